import { MatrixError } from "./errors.js";
import { Http } from "./http.js";
import { isObject, text } from "./json.js";
import { Keeper } from "./keeper.js";
import { MemoryStorage } from "./storage.js";
import { Outbox } from "./sync/outbox.js";
import { restored } from "./sync/snapshot.js";
import { ClientState } from "./sync/store.js";
import { Credentials } from "./tokens.js";

export const WHOAMI = "/_matrix/client/v3/account/whoami";

/**
 * Who the session is, by what it was given, or else by what is stored.
 *
 * @param {object} options of the session, all of them there
 * @returns {Promise<{credentials: Credentials, http: Http}>}
 * @throws {MatrixError} M_MISSING_TOKEN if nobody has logged in
 */
export async function identify(options) {
  const { storage, tokenProvider } = options;
  const stored = await storage.loadCredentials().catch(() => undefined);
  const given = options.credentials ?? (tokenProvider && { server: options.server });
  if (!given) {
    if (!stored) throw new MatrixError("M_MISSING_TOKEN", "nobody has logged in");
    return provedBy(stored, options);
  }
  const known = await introduced(provedBy({ accessToken: "", ...given }, options), options);
  const { proof } = known.credentials;
  const isOther = stored && (stored.userId !== proof.userId || stored.server !== proof.server);
  // What somebody else has left is nobody's business.
  if (isOther) await storage.clear().catch(() => {});
  await storage.saveCredentials(proof).catch(() => {});
  return known;
}

/** What is stored, and who goes on storing; without a storage that works, nothing is. */
export async function opened({ storage, locks, clock }) {
  try {
    const keeper = new Keeper({ storage, locks, clock });
    return { keeper, stored: await keeper.open() };
  } catch {
    const keeper = new Keeper({ storage: new MemoryStorage(), clock });
    return { keeper, stored: await keeper.open() };
  }
}

/** What was stored, if it is of any use, with the messages and drafts that wait. */
export function stateOf(userId, stored) {
  const state = restored(userId, stored.account, stored.rooms) ?? new ClientState({ userId });
  if (stored.outbox.length > 0) state.restore(Outbox.ofJson(stored.outbox.filter(isObject)));
  for (const [key, draft] of stored.drafts) state.setDraft(key, draft);
  return state;
}

function provedBy(proof, options) {
  const { server, fetch, XMLHttpRequest, tokenProvider, storage, locks, clock } = options;
  const bare = new Http(server, { fetch });
  const means = { http: bare, storage, tokenProvider, locks, clock };
  const credentials = new Credentials({ ...proof, server: bare.server }, means);
  return { credentials, http: new Http(server, { credentials, fetch, XMLHttpRequest }) };
}

/** The page that embeds this one has a token, and the server knows whose it is. */
async function introduced(known, options) {
  const { credentials, http } = known;
  if (credentials.proof.userId) return known;
  if (!credentials.accessToken) await credentials.renew("");
  const told = await http.request("GET", WHOAMI);
  const who = { userId: text(told.user_id), deviceId: text(told.device_id) };
  return provedBy({ ...credentials.proof, ...who }, options);
}
