// The connection of a session, with a clock and a server made of nothing.

import assert from "node:assert/strict";

import { Calls } from "../../../reference_server/ui/chatproto/calls.js";
import { Disconnected, MatrixError } from "../../../reference_server/ui/chatproto/errors.js";
import { Link } from "../../../reference_server/ui/chatproto/link.js";
import { Reconnect } from "../../../reference_server/ui/chatproto/reconnect.js";
import { Credentials } from "../../../reference_server/ui/chatproto/tokens.js";
import { equal, refused, take } from "../../conformance/node/steps.mjs";
import { FakeClock, fakeSockets, settled } from "./fakes.mjs";

/** A link with all that is around it; `random` is always at its greatest. */
function linked({ proof = {}, tokenProvider, server = "http://localhost:1/base/" } = {}) {
  const clock = new FakeClock();
  const sockets = fakeSockets();
  const world = { clock, sockets, position: undefined, taken: [], states: [], lost: 0 };
  const calls = new Calls((frame) => world.link.send(frame));
  const credentials = new Credentials(
    { server, userId: "@anna:localhost", deviceId: "D", accessToken: "t1", ...proof },
    { tokenProvider, clock },
  );
  const guest = {
    position: () => world.position,
    take(frame) {
      if (frame.kind === "reply") calls.answered(frame);
      else world.taken.push(frame);
    },
    opened() {},
    lost() {
      world.lost += 1;
      calls.cut();
    },
    settled: () => calls.settled(),
    changed: () => world.states.push(world.link.state.status),
    refusal: async (reason) => new MatrixError("M_UNKNOWN_TOKEN", reason),
  };
  const reconnect = new Reconnect({ random: () => 1 });
  const { WebSocket } = sockets;
  world.link = new Link({ server, guest, credentials, reconnect, clock, WebSocket });
  world.link.start();
  return Object.assign(world, { calls, credentials });
}

/** Waits for the next socket, and gives it when it was made. */
async function nextSocket({ clock, sockets, link }) {
  const before = sockets.made.length;
  const { status, retryAtMs } = link.state;
  equal(status, "waiting");
  const waitMs = retryAtMs - clock.nowMs();
  await clock.pass(waitMs - 1);
  equal(sockets.made.length, before);
  await clock.pass(1);
  equal(sockets.made.length, before + 1);
  return waitMs;
}

async function closedWith(code, reason) {
  const world = linked();
  world.sockets.last().welcome();
  world.sockets.last().hangUp(code, reason);
  await settled();
  return world;
}

async function isFatal(code) {
  const world = await closedWith(code, "because");
  equal(world.link.state.status, "ended");
  assert(world.link.state.error instanceof Disconnected);
  equal(world.link.state.error.code, code);
  await world.clock.pass(600_000);
  equal(world.sockets.made.length, 1);
}

const steps = {
  async saysHelloWithTheToken() {
    const { sockets, link, states } = linked();
    const socket = sockets.last();
    equal(socket.url, "ws://localhost:1/base/_chatproto/v1/socket");
    equal(socket.protocols, ["chatproto.1"]);
    equal(link.state.status, "connecting");
    socket.accept();
    equal(socket.sent, [{ hello: { token: "t1" } }]);
    assert(!link.isOpen);
    socket.say({ welcome: { heartbeat_ms: 30_000 } });
    equal(link.state, { status: "open" });
    equal(states, ["connecting", "open"]);
  },

  async resumesFromThePositionReached() {
    const world = linked();
    world.sockets.last().welcome();
    world.position = "s5_1_b";
    world.sockets.last().hangUp(1012);
    await nextSocket(world);
    world.sockets.last().accept();
    equal(world.sockets.last().sent, [{ hello: { token: "t1", since: "s5_1_b" } }]);
  },

  async resumesSoonAfterARestart() {
    for (const code of [1000, 1001, 1012]) {
      const world = await closedWith(code);
      equal(await nextSocket(world), 500);
    }
  },

  async backsOffAfterAFailure() {
    for (const code of [1006, 1008, 1011, 4408, 4429]) {
      const world = await closedWith(code);
      equal(await nextSocket(world), 1000);
    }
  },

  async waitsTwiceAsLongEachTime() {
    const world = linked();
    const waits = [];
    for (let failure = 0; failure < 8; failure += 1) {
      world.sockets.last().hangUp(1006);
      waits.push(await nextSocket(world));
    }
    equal(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  },

  async aSteadyConnectionForgetsFailures() {
    const world = linked();
    for (let failure = 0; failure < 4; failure += 1) {
      world.sockets.last().hangUp(1006);
      await nextSocket(world);
    }
    world.sockets.last().welcome();
    await world.clock.pass(10_000);
    world.sockets.last().hangUp(1006);
    equal(await nextSocket(world), 1000);
  },

  async aServerThatFailsAfterEachWelcomeIsAskedLessAndLess() {
    const world = linked();
    const waits = [];
    for (let failure = 0; failure < 3; failure += 1) {
      world.sockets.last().welcome();
      world.sockets.last().hangUp(1011);
      waits.push(await nextSocket(world));
    }
    equal(waits, [1000, 2000, 4000]);
  },

  async jitterIsFull() {
    const waits = [0, 0.25, 0.99].map((part) => {
      const reconnect = new Reconnect({ random: () => part });
      return reconnect.failed();
    });
    equal(waits, [0, 250, 990]);
  },

  async doesNotComeAgainWhereItIsNotWanted() {
    for (const code of [1002, 1003, 1007, 1009, 4400, 4409]) await isFatal(code);
  },

  async aTokenThatIsNoGoodEndsIt() {
    const world = await closedWith(4401, "logged out");
    equal(world.link.state.status, "ended");
    equal(world.link.state.error.errcode, "M_UNKNOWN_TOKEN");
    equal(world.link.state.error.message, "logged out");
    await refused(world.link.whenOpen(), "M_UNKNOWN_TOKEN");
  },

  async aTokenThatHasRunOutIsReplaced() {
    let made = 1;
    const tokenProvider = async () => ({ accessToken: `t${(made += 1)}` });
    const world = linked({ tokenProvider });
    world.sockets.last().accept();
    world.sockets.last().hangUp(4401);
    await settled();
    world.sockets.last().accept();
    equal(world.sockets.last().sent, [{ hello: { token: "t2" } }]);
    // New tokens that are no good either are the end: no third ones are asked for.
    world.sockets.last().hangUp(4401);
    await settled();
    equal(world.link.state.error.errcode, "M_UNKNOWN_TOKEN");
    equal([world.sockets.made.length, made], [2, 2]);
  },

  async noNewTokensYetMeansToWait() {
    let fails = true;
    const tokenProvider = async () => {
      if (fails) throw new Disconnected("not now");
      return { accessToken: "t2" };
    };
    const world = linked({ tokenProvider });
    world.sockets.last().welcome();
    world.sockets.last().hangUp(4401);
    await settled();
    equal(world.link.state.error.message, "not now");
    fails = false;
    await nextSocket(world);
    world.sockets.last().accept();
    equal(world.sockets.last().sent, [{ hello: { token: "t1" } }]);
  },

  async tokensAreReplacedBeforeTheyEnd() {
    const tokenProvider = async () => ({ accessToken: "t2", expiresInMs: 3_600_000 });
    const proof = { expiresAtMs: 1_000_000 + 3_600_000 };
    const world = linked({ tokenProvider, proof });
    world.sockets.last().welcome({ heartbeat_ms: 10_000_000 });
    const keepAlive = async (ms) => {
      for (let passed = 0; passed < ms; passed += 20_000) {
        await world.clock.pass(20_000);
        world.sockets.last().say({ pong: 1 });
      }
    };
    await keepAlive(3_600_000 - 80_000);
    equal(world.sockets.made.length, 1);
    const answer = world.calls.ask("room.members", {});
    await world.clock.pass(20_000);
    // The call that is on its way is waited for; no other one is begun.
    equal(world.sockets.made.length, 1);
    assert(!world.link.isOpen);
    world.sockets.last().say({ re: 1, ok: { chunk: [] } });
    equal(await answer, { chunk: [] });
    await settled();
    equal(world.sockets.made.length, 2);
    world.sockets.last().welcome();
    equal(world.sockets.last().sent, [{ hello: { token: "t2" } }]);
    assert(world.link.isOpen);
  },

  async aSenselessTokenLifeFloodsNobody() {
    let asked = 0;
    const tokenProvider = async () => ({ accessToken: `n${(asked += 1)}`, expiresInMs: 0 });
    const world = linked({ tokenProvider, proof: { expiresAtMs: 0 } });
    for (let second = 0; second < 10; second += 1) {
      await settled();
      world.sockets.last().welcome();
      await world.clock.pass(1000);
    }
    assert(asked <= 12, `${asked} renewals in 10 s`);
  },

  async pingsAndAcknowledges() {
    const world = linked();
    const socket = world.sockets.last();
    socket.welcome();
    world.position = "s1_0_b";
    await world.clock.pass(20_000);
    equal(socket.sent.slice(1), [{ ack: "s1_0_b" }, { ping: 1 }]);
    socket.say({ pong: 1 });
    await world.clock.pass(20_000);
    equal(socket.sent.slice(3), [{ ping: 2 }]);
  },

  async answersPings() {
    const { sockets } = linked();
    sockets.last().welcome();
    sockets.last().say({ ping: 7 });
    equal(sockets.last().frames("pong"), [{ pong: 7 }]);
  },

  async acknowledgesHalfAWindowAtOnce() {
    const world = linked();
    const socket = world.sockets.last();
    socket.welcome();
    world.position = "s1_0_b";
    socket.say({ push: [{ event: { body: "я".repeat(900) } }] });
    equal(socket.frames("ack"), []);
    socket.say({ push: [{ event: { body: "я".repeat(100) } }] });
    equal(socket.frames("ack"), [{ ack: "s1_0_b" }]);
  },

  async aSilentServerIsGivenUp() {
    const world = linked();
    const socket = world.sockets.last();
    socket.welcome();
    await world.clock.pass(75_000);
    equal(world.link.state.status, "open");
    await world.clock.pass(5_001);
    assert(socket.isClosed);
    equal(world.link.state.error.message, "the server is silent");
  },

  async aServerThatDoesNotAnswerIsGivenUp() {
    const world = linked();
    await world.clock.pass(19_999);
    equal(world.link.state.status, "connecting");
    await world.clock.pass(1);
    equal(world.link.state.status, "waiting");
  },

  async goodbyeLetsAnswersArrive() {
    const world = linked();
    const socket = world.sockets.last();
    socket.welcome();
    const answer = world.calls.ask("room.members", {});
    socket.say({ goodbye: { reason: "restart", then: "resume", after_ms: 3000 } });
    assert(!world.link.isOpen);
    socket.say({ re: 1, ok: { chunk: [1] } });
    equal(await answer, { chunk: [1] });
    socket.hangUp(1012);
    await settled();
    equal(world.link.state.error.message, "restart");
    equal(await nextSocket(world), 3000);
  },

  async goodbyeIsNotWaitedForForEver() {
    const world = linked();
    world.sockets.last().welcome();
    world.sockets.last().say({ goodbye: { reason: "restart", then: "resume" } });
    await world.clock.pass(5_000);
    assert(world.sockets.made[0].isClosed);
    equal(world.lost, 1);
  },

  async goodbyeMayAskToLogIn() {
    const world = linked();
    world.sockets.last().accept();
    world.sockets.last().say({ goodbye: { reason: "who are you?", then: "login" } });
    world.sockets.last().hangUp(1000);
    await settled();
    equal(world.link.state.error.message, "who are you?");
  },

  async whatIsNoFrameBreaksTheConnectionOnly() {
    for (const frame of ["{", "[]", "null", { push: 1 }, { re: "1" }, { zzz: 1 }, { at: 5 }]) {
      const world = linked();
      world.sockets.last().welcome();
      world.sockets.last().say(frame);
      await settled();
      equal([world.sockets.last().closedWith, world.link.state.status], [4400, "waiting"]);
      world.link.stop();
    }
  },

  async newsBeforeTheWelcomeBreakIt() {
    const world = linked();
    world.sockets.last().accept();
    world.sockets.last().say({ push: [], at: "s1_0_b" });
    equal(world.taken, []);
    assert(world.sockets.last().isClosed);
  },

  async eightCallsAreInFlightAtMost() {
    const { calls, sockets } = linked();
    const socket = sockets.last();
    socket.welcome();
    const answers = Array.from({ length: 10 }, (_, n) => calls.ask("room.event", { n }));
    equal(socket.frames("do").length, 8);
    socket.say({ re: 3, ok: { n: 2 } });
    equal(await answers[2], { n: 2 });
    equal(socket.frames("do").map((frame) => frame.with.n), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  },

  async refusalsAreErrors() {
    const { calls, sockets } = linked();
    sockets.last().welcome();
    const answer = calls.ask("room.send", {});
    const err = { errcode: "M_LIMIT_EXCEEDED", error: "slowly", retry_after_ms: 700, more: 1 };
    sockets.last().say({ re: 1, err });
    const error = await refused(answer, "M_LIMIT_EXCEEDED");
    equal([error.message, error.retryAfterMs, error.extra], ["slowly", 700, { more: 1 }]);
    equal(error.toJson(), err);
  },

  async aCallThatIsTooLargeIsNotSent() {
    const { calls, sockets, link } = linked();
    sockets.last().welcome();
    await refused(calls.ask("room.send", { body: "я".repeat(500) }), "M_TOO_LARGE");
    equal(sockets.last().frames("do"), []);
    assert(link.isOpen);
  },

  async aCallThatIsGivenUpKeepsItsPlace() {
    const { calls, sockets } = linked();
    sockets.last().welcome();
    const leaving = new AbortController();
    const answers = Array.from({ length: 9 }, (_, n) => {
      const answer = calls.ask("room.event", { n }, n === 0 ? leaving.signal : undefined);
      answer.catch(() => {});
      return answer;
    });
    leaving.abort();
    await assert.rejects(answers[0], { name: "AbortError" });
    equal(sockets.last().frames("do").length, 8);
    sockets.last().say({ re: 1, ok: {} });
    equal(sockets.last().frames("do").length, 9);
  },

  async callsThatAreCutOffSaySo() {
    const { calls, sockets } = linked();
    sockets.last().welcome();
    const answer = calls.ask("room.create", {});
    sockets.last().hangUp(1006);
    await assert.rejects(answer, Disconnected);
  },

  async retryNowDoesNotWait() {
    const world = linked();
    world.sockets.last().hangUp(1006);
    world.link.retryNow();
    equal(world.sockets.made.length, 2);
    world.link.retryNow();
    equal(world.sockets.made.length, 2);
    await world.clock.pass(5_000);
    equal(world.sockets.made.length, 2);
  },

  async aNetworkThatComesBackIsTried() {
    const world = linked();
    world.sockets.last().hangUp(1006);
    world.link.hint(false);
    equal(world.sockets.made.length, 1);
    world.link.hint(true);
    equal(world.sockets.made.length, 2);
  },

  async aNetworkThatGoesIsLookedAfter() {
    const world = linked();
    world.sockets.last().welcome();
    world.link.hint(false);
    world.sockets.last().say({ pong: 1 });
    await world.clock.pass(5_000);
    equal(world.link.state.status, "open");
    await world.clock.pass(1_000);
    world.link.hint(false);
    await world.clock.pass(5_000);
    equal(world.link.state.status, "waiting");
  },

  async stopsForGood() {
    const world = linked();
    world.sockets.last().welcome();
    world.link.stop();
    equal(world.sockets.last().closedWith, 1000);
    equal(world.link.state.status, "ended");
    await world.clock.pass(100_000);
    equal(world.sockets.made.length, 1);
    world.link.start();
    equal(world.sockets.made.length, 2);
  },
};

await take(steps, {});
