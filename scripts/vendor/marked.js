export { Lexer, Marked, Parser, Renderer, Tokenizer, marked } from "marked";
