// What modules make of a room's events on the client: votes counted, tasks listed.

import { byKey, seqOf, sorted } from "./fields.js";

/**
 * A module's own view of a room: `{name, eventTypes, initial, fold}`.
 *
 * `fold(state, event)` gives the state after an event and changes neither. It is run over all
 * known events of `eventTypes` in the order of the room, redacted ones in their redacted form,
 * and anew when older events come in.
 */
export function run(reducer, state, timeline) {
  return events(reducer.eventTypes, state, timeline).reduce(reducer.fold, reducer.initial ?? {});
}

function events(types, state, timeline) {
  const found = new Map();
  for (const type of sorted(types)) {
    for (const [key, event] of byKey(state.ofType(type))) {
      found.set(event.event_id ?? `${type} ${key}`, event);
    }
  }
  for (const event of timeline.events()) {
    if (types.has(event.type)) found.set(String(event.event_id), event);
  }
  return [...found.values()].sort((a, b) => (seqOf(a) ?? 0) - (seqOf(b) ?? 0));
}
