// The parts of a session by themselves: files, tokens, typing, receipts, storage, tabs.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";

import { Disconnected, MatrixError } from "../../../reference_server/ui/chatproto/errors.js";
import { Http, pathOf } from "../../../reference_server/ui/chatproto/http.js";
import { authenticated } from "../../../reference_server/ui/chatproto/login.js";
import { MediaCache } from "../../../reference_server/ui/chatproto/media.js";
import { ReadMarks } from "../../../reference_server/ui/chatproto/read-marks.js";
import { MemoryStorage } from "../../../reference_server/ui/chatproto/storage.js";
import { Tabs } from "../../../reference_server/ui/chatproto/tabs.js";
import { Credentials } from "../../../reference_server/ui/chatproto/tokens.js";
import { Typing } from "../../../reference_server/ui/chatproto/typing.js";
import { sendByRequest } from "../../../reference_server/ui/chatproto/upload.js";
import { equal, refused, take } from "../../conformance/node/steps.mjs";
import { FakeClock, settled } from "./fakes.mjs";

const PROOF = { server: "http://s", userId: "@anna:s", deviceId: "D", accessToken: "t1" };

/** Answers each request by what `answer` says: `[status, body]`. */
async function served(answer, act) {
  const server = createServer(async (request, response) => {
    const parts = await Array.fromAsync(request);
    const body = Buffer.concat(parts).toString();
    const [status, text] = answer({ url: request.url, headers: request.headers, body });
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(typeof text === "string" ? text : JSON.stringify(text));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return await act(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** A cache of files that have so many bytes as their names say. */
function files(mostBytes) {
  const world = { asked: [], revoked: [], made: 0 };
  const urls = {
    createObjectURL: () => `blob:${(world.made += 1)}`,
    revokeObjectURL: (url) => world.revoked.push(url),
  };
  const download = async (mxc) => {
    world.asked.push(mxc);
    if (mxc === "mxc://s/none") throw new MatrixError("M_NOT_FOUND", "");
    return new Blob(["x".repeat(Number(mxc.split("/").at(-1)))]);
  };
  return Object.assign(world, { cache: new MediaCache({ download, urls, mostBytes }) });
}

function typist() {
  const clock = new FakeClock();
  const said = [];
  const typing = new Typing({ say: (...words) => said.push(words), clock });
  return { clock, said, typing };
}

/** A stand-in for the browser's: it tells of progress and then answers. */
class Upload {
  upload = {};
  headers = {};

  open(...line) {
    this.line = line;
  }

  setRequestHeader(name, value) {
    this.headers[name] = value;
  }

  send(blob) {
    Upload.last = Object.assign(this, { blob });
  }

  abort() {
    this.onabort();
    this.onloadend();
  }
}

const steps = {
  async filesAreGotOnce() {
    const { cache, asked } = files();
    const size = { width: 32, height: 32, method: "crop" };
    const both = [cache.get("mxc://s/5", size), cache.get("mxc://s/5", size)];
    equal(await Promise.all(both), ["blob:1", "blob:1"]);
    equal(await cache.get("mxc://s/5"), "blob:2");
    equal(asked.length, 2);
  },

  async filesNotUsedForLongestGoFirst() {
    const { cache, asked, revoked } = files(100);
    await cache.get("mxc://s/40");
    await cache.get("mxc://s/41");
    await cache.get("mxc://s/40");
    await cache.get("mxc://s/42");
    equal(revoked, ["blob:2"]);
    await cache.get("mxc://s/40");
    equal(asked.length, 3);
    await cache.get("mxc://s/500");
    equal(revoked, ["blob:2", "blob:3", "blob:1"]);
    cache.clear();
    equal(revoked.length, 4);
  },

  async aFileThatFailedIsAskedForAgain() {
    const { cache, asked } = files();
    for (let time = 0; time < 2; time += 1) await refused(cache.get("mxc://s/none"), "M_NOT_FOUND");
    equal(asked.length, 2);
  },

  async typingIsSaidNowAndThen() {
    const { clock, said, typing } = typist();
    for (let key = 0; key < 40; key += 1) {
      typing.set("!r", true);
      await clock.pass(100);
    }
    equal(said, [["!r", true, 6000], ["!r", true, 6000]]);
    typing.set("!r", false);
    typing.set("!r", false);
    equal(said.slice(2), [["!r", false]]);
  },

  async typingEndsByItself() {
    const { clock, said, typing } = typist();
    typing.set("!r", true);
    await clock.pass(4_999);
    equal(said.length, 1);
    await clock.pass(1);
    equal(said.at(-1), ["!r", false]);
  },

  async readMarksAreNotSaidTwiceAtATime() {
    const said = [];
    const answers = [];
    const say = (...mark) => {
      said.push(mark);
      return new Promise((resolve) => answers.push(resolve));
    };
    const clock = new FakeClock();
    const marks = new ReadMarks({ say, clock });
    for (const eventId of ["$1", "$2", "$3"]) marks.set("!r", eventId);
    marks.set("!q", "$9");
    equal(said, [["!r", "$1"], ["!q", "$9"]]);
    answers[0]();
    await clock.pass(0);
    equal(said.slice(2), [["!r", "$3"]]);
  },

  async readMarksOutliveAConnection() {
    const said = [];
    let isOpen = false;
    const say = async (...mark) => {
      if (!isOpen) throw new Disconnected("not now");
      said.push(mark);
    };
    const marks = new ReadMarks({ say, clock: new FakeClock() });
    marks.set("!r", "$1");
    await settled();
    isOpen = true;
    marks.proceed();
    await settled();
    marks.proceed();
    await settled();
    equal(said, [["!r", "$1"]]);
  },

  async readMarksWaitWhereTheyAreTooMany() {
    const clock = new FakeClock();
    const said = [];
    const say = async (...mark) => {
      said.push(mark);
      const retryAfterMs = 700;
      if (said.length === 1) throw new MatrixError("M_LIMIT_EXCEEDED", "", { retryAfterMs });
    };
    const marks = new ReadMarks({ say, clock });
    marks.set("!r", "$1");
    await clock.pass(699);
    equal(said.length, 1);
    await clock.pass(1);
    equal(said.length, 2);
    await clock.pass(60_000);
    equal(said.length, 2);
  },

  async oneRenewalServesAll() {
    let asked = 0;
    const tokenProvider = async () => ({ accessToken: `n${(asked += 1)}`, expiresInMs: 60_000 });
    const clock = new FakeClock();
    const storage = new MemoryStorage();
    const credentials = new Credentials(PROOF, { tokenProvider, clock, storage });
    await Promise.all([credentials.renew("t1"), credentials.renew("t1")]);
    await credentials.renew("t1");
    equal([asked, credentials.accessToken], [1, "n1"]);
    equal(credentials.dueInMs(), 48_000);
    equal((await storage.loadCredentials()).accessToken, "n1");
  },

  async tokensOfAnotherTabAreTaken() {
    let asked = 0;
    const answer = () => ({ access_token: `n${(asked += 1)}`, refresh_token: "r2" });
    const http = { request: async () => answer() };
    const storage = new MemoryStorage();
    const { locks } = navigator;
    const tabs = [1, 2, 3].map(
      () => new Credentials({ ...PROOF, refreshToken: "r1" }, { http, storage, locks }),
    );
    await Promise.all(tabs.map((tab) => tab.renew("t1")));
    equal(asked, 1);
    equal(tabs.map((tab) => tab.proof.refreshToken), ["r2", "r2", "r2"]);
  },

  async aRefusedRenewalLooksIntoTheStorage() {
    const storage = new MemoryStorage();
    const http = {
      async request() {
        await storage.saveCredentials({ ...PROOF, accessToken: "t2", refreshToken: "r2" });
        throw new MatrixError("M_UNKNOWN_TOKEN", "used up");
      },
    };
    const credentials = new Credentials({ ...PROOF, refreshToken: "r1" }, { http, storage });
    await credentials.renew("t1");
    equal(credentials.accessToken, "t2");
    await refused(credentials.renew("t2"), "M_UNKNOWN_TOKEN");
  },

  async tokensThatCannotBeStoredHoldAllTheSame() {
    const fails = async () => {
      throw new Error("full");
    };
    const storage = { loadCredentials: fails, saveCredentials: fails };
    const tokenProvider = async () => ({ accessToken: "t2" });
    const credentials = new Credentials(PROOF, { storage, tokenProvider });
    await credentials.renew("t1");
    equal(credentials.accessToken, "t2");
  },

  async somebodyElsesTokensAreNotTaken() {
    const storage = new MemoryStorage();
    await storage.saveCredentials({ ...PROOF, userId: "@boris:s", accessToken: "t9" });
    const credentials = new Credentials(PROOF, { storage });
    await refused(credentials.renew("t1"), "M_UNKNOWN_TOKEN");
    equal(credentials.accessToken, "t1");
  },

  async anExpiredTokenIsReplacedOverHttp() {
    const used = [];
    const answer = ({ headers }) => {
      used.push(headers.authorization);
      const isOld = headers.authorization === "Bearer t1";
      return isOld ? [401, { errcode: "M_UNKNOWN_TOKEN", soft_logout: true }] : [200, { a: 1 }];
    };
    await served(answer, async (url) => {
      const tokenProvider = async () => ({ accessToken: "t2" });
      const credentials = new Credentials(PROOF, { tokenProvider });
      equal(await new Http(url, { credentials }).request("GET", "/x"), { a: 1 });
    });
    equal(used, ["Bearer t1", "Bearer t2"]);
  },

  async aTokenThatIsNeverGoodIsReplacedOnce() {
    let asked = 0;
    await served(() => [401, { errcode: "M_UNKNOWN_TOKEN" }], async (url) => {
      const tokenProvider = async () => ({ accessToken: `n${(asked += 1)}` });
      const credentials = new Credentials(PROOF, { tokenProvider });
      await refused(new Http(url, { credentials }).request("GET", "/x"), "M_UNKNOWN_TOKEN");
    });
    equal(asked, 1);
  },

  async senselessAnswersAreErrorsOfTheirOwn() {
    const isCut = async (status, text) => {
      const work = served(() => [status, text], (url) => new Http(url).request("GET", "/x"));
      await assert.rejects(work, Disconnected);
    };
    await isCut(200, "<html>");
    await isCut(200, "[1]");
    await isCut(502, "<html>");
    const ask = (url) => new Http(url).request("GET", "/x");
    await refused(served(() => [418, "[]"], ask), "M_UNKNOWN");
    await refused(served(() => [400, { errcode: 5, error: {} }], ask), "M_UNKNOWN");
    await assert.rejects(new Http("http://127.0.0.1:9").request("GET", "/x"), Disconnected);
  },

  async aRequestCanBeGivenUp() {
    const signal = AbortSignal.abort();
    const work = new Http("http://127.0.0.1:9").request("GET", "/x", { signal });
    await assert.rejects(work, { name: "AbortError" });
  },

  async whatIsNoFileIsRefused() {
    equal(pathOf("mxc://s:8448/a b"), "s%3A8448/a%20b");
    for (const uri of ["", "mxc://s", "mxc://s/a/b", "https://s/a", null, "mxc://s/a?b"]) {
      assert.throws(() => pathOf(uri), MatrixError);
    }
  },

  async uploadsTellHowFarTheyAre() {
    const told = [];
    const onProgress = (fraction) => told.push(fraction);
    const request = { url: "/u", headers: { A: "b" }, blob: new Blob(["x"]), onProgress };
    const work = sendByRequest(Upload, request);
    const { last } = Upload;
    last.upload.onprogress({ lengthComputable: true, loaded: 1, total: 4 });
    last.upload.onprogress({ lengthComputable: false, loaded: 2, total: 0 });
    Object.assign(last, { status: 200, responseText: "{}" });
    last.onload();
    equal([await work, told, last.line, last.headers], [
      { status: 200, text: "{}" },
      [0.25],
      ["POST", "/u"],
      { A: "b" },
    ]);
  },

  async uploadsCanBeGivenUp() {
    const leaving = new AbortController();
    const request = { url: "/u", headers: {}, blob: new Blob(["x"]), signal: leaving.signal };
    const work = sendByRequest(Upload, request);
    leaving.abort();
    await assert.rejects(work, { name: "AbortError" });
    const cut = sendByRequest(Upload, { ...request, signal: undefined });
    Upload.last.onerror();
    await assert.rejects(cut, Disconnected);
  },

  async stagesArePassedInTurn() {
    const asked = [];
    const flows = [
      { stages: ["m.login.recaptcha"] },
      { stages: ["m.login.registration_token", "m.login.dummy"] },
    ];
    const ask = async (auth) => {
      asked.push(auth);
      const completed = asked.length === 1 ? [] : ["m.login.registration_token"];
      if (asked.length === 3) return { done: true };
      throw MatrixError.of({ errcode: "M_UNAUTHORIZED", session: "s", flows, completed }, 401);
    };
    equal(await authenticated(ask, { registrationToken: "welcome" }), { done: true });
    equal(asked, [
      undefined,
      { type: "m.login.registration_token", token: "welcome", session: "s" },
      { type: "m.login.dummy", session: "s" },
    ]);
  },

  async aStageThatFailsIsNotTriedForEver() {
    let asked = 0;
    const ask = async () => {
      asked += 1;
      const flows = [{ stages: ["m.login.dummy"] }];
      throw MatrixError.of({ errcode: "M_FORBIDDEN", session: "s", flows }, 401);
    };
    await refused(authenticated(ask, {}), "M_FORBIDDEN");
    equal(asked, 2);
  },

  async memoryKeepsWhatItIsGiven() {
    const storage = new MemoryStorage();
    const rooms = new Map([["!a", { n: 1 }], ["!b", { n: 2 }]]);
    await storage.save({ account: { at: 1 }, rooms, drafts: new Map([["!a", { body: "x" }]]) });
    rooms.get("!a").n = 9;
    await storage.save({ rooms: new Map([["!b", null]]), outbox: new Map([["tab", [{}]]]) });
    const stored = await storage.load();
    equal([stored.account, [...stored.rooms]], [{ at: 1 }, [["!a", { n: 1 }]]]);
    equal([stored.drafts.size, stored.outbox.size], [1, 1]);
    await storage.save({ account: { at: 2 }, rooms: new Map([["!c", {}]]), isWhole: true });
    equal([...(await storage.load()).rooms.keys()], ["!c"]);
    await storage.clear();
    equal((await storage.load()).account, undefined);
  },

  async oneTabLeadsUntilItLeaves() {
    const [first, second] = [1, 2].map(() => new Tabs("lead", navigator.locks));
    let followed = 0;
    equal(await first.lead(() => assert.fail()), true);
    equal(await second.lead(() => (followed += 1)), false);
    first.leave();
    await settled();
    await settled();
    equal(followed, 1);
    const third = new Tabs("lead", navigator.locks);
    equal(await third.lead(() => assert.fail()), false);
    third.leave();
    second.leave();
    await settled();
  },

  async tabsSeeEachOther() {
    const [first, second] = [1, 2].map(() => new Tabs("seen", navigator.locks));
    await first.appear();
    const { self } = first;
    equal([...(await second.present([self, "gone"]))], [self]);
    first.leave();
    await settled();
    equal([...(await second.present([self]))], []);
  },
};

await take(steps, {});
