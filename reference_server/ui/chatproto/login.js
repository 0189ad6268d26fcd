import { systemClock } from "./clock.js";
import { MatrixError } from "./errors.js";
import { Http } from "./http.js";
import { isObject, text } from "./json.js";
import { proofOf } from "./tokens.js";

const LOGIN = "/_matrix/client/v3/login";
const VERSIONS = "/_matrix/client/versions";
const REGISTER = "/_matrix/client/v3/register";
// More stages than any server asks for; one that never has enough must not hold us for ever.
const MOST_STAGES = 8;

/** The ways to log in, such as m.login.password. @returns {Promise<string[]>} */
export async function loginFlows(server, { http = new Http(server), signal } = {}) {
  const told = await http.request("GET", LOGIN, { signal, authenticated: false });
  const flows = Array.isArray(told.flows) ? told.flows : [];
  return flows.map((flow) => text(flow?.type)).filter((type) => type !== undefined);
}

/** What the server can, and lets people do, by name. @returns {Promise<Set<string>>} */
export async function serverFeatures(server, options = {}) {
  const { http, signal } = withDefaults(server, options);
  const told = await http.request("GET", VERSIONS, { signal, authenticated: false });
  const features = isObject(told.unstable_features) ? told.unstable_features : {};
  return new Set(Object.keys(features).filter((name) => features[name] === true));
}

/**
 * Logs in with a password, or with a token that another device has made.
 *
 * @param {string} server
 * @param {object} with_
 * @param {string} [with_.user] a name or a user ID
 * @param {string} [with_.password]
 * @param {string} [with_.loginToken]
 * @param {string} [with_.deviceName] what the user sees in the list of devices
 * @param {string} [with_.deviceId] a device to log in again on
 * @param {object} [options]
 * @returns {Promise<import("./tokens.js").Proof>}
 * @throws {MatrixError | import("./errors.js").Disconnected}
 */
export async function logIn(server, with_, options = {}) {
  const { user, password, loginToken, deviceName, deviceId } = with_;
  const byToken = { type: "m.login.token", token: loginToken };
  const identifier = { type: "m.id.user", user };
  const byPassword = { type: "m.login.password", identifier, password };
  const body = {
    ...(loginToken === undefined ? byPassword : byToken),
    initial_device_display_name: deviceName,
    device_id: deviceId,
    refresh_token: true,
  };
  const { http, clock, signal } = withDefaults(server, options);
  const answer = await http.request("POST", LOGIN, { body, signal, authenticated: false });
  return proofOf(http.server, answer, clock.nowMs());
}

/**
 * What one has to pass to register: lists of stages, one of which has to be passed whole.
 *
 * @returns {Promise<string[][]>} empty where nobody may register
 */
export async function registrationFlows(server, options = {}) {
  const { http, signal } = withDefaults(server, options);
  try {
    await http.request("POST", REGISTER, { body: {}, signal, authenticated: false });
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error;
    if (error.status === 401) return flowsOf(error);
    if (error.errcode !== "M_FORBIDDEN") throw error;
  }
  return [];
}

/**
 * Creates an account and logs in to it.
 *
 * @param {string} server
 * @param {object} with_
 * @param {string} with_.user the name before the colon
 * @param {string} with_.password
 * @param {string} [with_.registrationToken] where the server wants one
 * @param {string} [with_.deviceName]
 * @param {object} [options]
 * @returns {Promise<import("./tokens.js").Proof>}
 * @throws {MatrixError | import("./errors.js").Disconnected}
 */
export async function register(server, with_, options = {}) {
  const { http, clock, signal } = withDefaults(server, options);
  const { user, password, registrationToken, deviceName } = with_;
  const body = {
    username: user,
    password,
    initial_device_display_name: deviceName,
    refresh_token: true,
  };
  const ask = (auth) =>
    http.request("POST", REGISTER, { body: { ...body, auth }, signal, authenticated: false });
  const answer = await authenticated(ask, { registrationToken });
  return proofOf(http.server, answer, clock.nowMs());
}

/**
 * Has something done that takes stages of user-interactive authentication.
 *
 * @param {(auth?: object) => Promise<object>} ask
 * @param {{registrationToken?: string, user?: string, password?: string}} proofs
 * @throws {MatrixError} M_UNAUTHORIZED if it takes a stage for which there is no proof
 */
export async function authenticated(ask, proofs) {
  let auth;
  const tried = new Set();
  for (let stages = 0; stages < MOST_STAGES; stages += 1) {
    try {
      return await ask(auth);
    } catch (error) {
      auth = nextStage(error, proofs, tried);
    }
  }
  throw new MatrixError("M_UNAUTHORIZED", "the server asks for ever more", { status: 401 });
}

/** Ends the session at the server. @param {Http} http one with credentials */
export async function logOut(http, { signal } = {}) {
  try {
    await http.request("POST", "/_matrix/client/v3/logout", { body: {}, signal });
  } catch (error) {
    const isOver = error instanceof MatrixError && error.isUnknownToken;
    if (!isOver) throw error;
  }
}

/** The stage to pass after a refusal; throws the refusal if there is none. */
function nextStage(error, proofs, tried) {
  const session = error instanceof MatrixError ? text(error.extra.session) : undefined;
  if (error.status !== 401 || session === undefined) throw error;
  const completed = new Set(Array.isArray(error.extra.completed) ? error.extra.completed : []);
  const flow = flowsOf(error).find((stages) => stages.every((s) => proofFor(s, proofs)));
  const stage = flow?.find((each) => !completed.has(each));
  // A stage that did not pass would not pass a second time either.
  if (stage === undefined || tried.has(stage)) throw error;
  tried.add(stage);
  return { ...proofFor(stage, proofs), type: stage, session };
}

function proofFor(stage, { registrationToken, user, password }) {
  if (stage === "m.login.dummy") return {};
  if (stage === "m.login.registration_token" && registrationToken) {
    return { token: registrationToken };
  }
  if (stage === "m.login.password" && user && password !== undefined) {
    return { identifier: { type: "m.id.user", user }, password };
  }
  return undefined;
}

function flowsOf(error) {
  const flows = Array.isArray(error.extra.flows) ? error.extra.flows : [];
  const stages = flows.map((flow) => (isObject(flow) ? flow.stages : undefined));
  return stages.filter((each) => Array.isArray(each) && each.every((s) => text(s) !== undefined));
}

function withDefaults(server, { http = new Http(server), clock = systemClock, signal }) {
  return { http, clock, signal };
}
