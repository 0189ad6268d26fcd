// Whom a few typed letters may mean.

const MOST = 8;

/** The members of a room whose name or ID has a word that begins so; `@room` last. */
export function completions(room, typed, own) {
  const wanted = typed.toLocaleLowerCase();
  const found = room.state
    .members("join", "invite")
    .filter((userId) => userId !== own)
    .map((userId) => ({ userId, name: room.state.member(userId).name }))
    .filter(({ userId, name }) => begins(name, wanted) || begins(userId.slice(1), wanted))
    .sort((a, b) => a.name.localeCompare(b.name))
    .slice(0, MOST);
  const mayCall = room.state.mayCallRoom(own);
  if (mayCall && "room".startsWith(wanted)) found.push({ userId: "@room", name: "@room" });
  return found;
}

function begins(text, wanted) {
  return text
    .toLocaleLowerCase()
    .split(/[\s._-]+/)
    .some((word) => word.startsWith(wanted)) || text.toLocaleLowerCase().startsWith(wanted);
}
