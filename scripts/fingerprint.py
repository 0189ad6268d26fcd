"""Prints how long the functions and files of the project are."""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import median, quantiles

FOLDERS = ("src/chatproto", "reference_server")


def main() -> None:
    functions: list[tuple[int, str]] = []
    files: list[tuple[int, str]] = []
    for path in sorted(p for folder in FOLDERS for p in Path(folder).rglob("*.py")):
        source = path.read_text()
        files.append((source.count("\n"), str(path)))
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                functions.append((length, f"{path}:{node.lineno} {node.name}"))
    for name, sizes in (("functions", functions), ("files", files)):
        lengths = [length for length, _ in sizes]
        p90 = quantiles(lengths, n=10)[-1]
        print(f"{len(sizes)} {name}: median {median(lengths)}, p90 {p90:.0f} lines")
        for length, where in sorted(sizes, reverse=True)[:5]:
            print(f"  {length:4} {where}")


if __name__ == "__main__":
    main()
