// What a test may have a page do; Playwright evaluates it in each.
async () => {
  const { logIn } = await import("/ui/chatproto/login.js");
  const { Session } = await import("/ui/chatproto/session.js");
  const { IndexedDbStorage } = await import("/ui/chatproto/storage.js");
  const server = location.origin;
  const storage = new IndexedDbStorage();
  const texts = (events) => events.map((event) => event.content.body).filter(Boolean);
  const isOpen = (session) => session.connection.status === "open";
  const world = (window.world = { session: null, ended: null, first: null });

  async function start(options) {
    world.session = new Session({ server, storage, ...options });
    world.session.addEventListener("ended", ({ detail }) => (world.ended = detail.errcode));
    await world.session.start();
    world.first ??= world.token();
  }

  async function connected() {
    while (!isOpen(world.session)) {
      await new Promise((happened) => {
        world.session.addEventListener("connection", happened, { once: true });
      });
    }
    await world.session.ready();
  }

  Object.assign(world, {
    async logIn(told, { lifeMs }) {
      const proof = await logIn(server, told);
      const expiresAtMs = lifeMs ? Date.now() + lifeMs : proof.expiresAtMs;
      await start({ credentials: { ...proof, expiresAtMs } });
      await connected();
    },

    /** Goes on from what is stored; gives the texts that are there before anything comes. */
    async resume() {
      await start({});
      const rooms = [...world.session.state.rooms.values()];
      const found = rooms.flatMap((room) => texts(room.timeline.events()));
      await connected();
      return found;
    },

    async make(name) {
      return (await world.session.call("room.create", { name })).room_id;
    },

    say: (roomId, body) =>
      world.session.send(roomId, "m.room.message", { msgtype: "m.text", body }).sent,

    draft: (roomId) => world.session.state.drafts.get(roomId),

    async upload(size) {
      const fractions = [];
      const onProgress = (fraction) => fractions.push(fraction);
      const blob = new Blob([new Uint8Array(size)]);
      const mxc = await world.session.upload(blob, { name: "файл.bin", onProgress });
      const file = await world.session.http.download(mxc);
      return { fractions, size: file.size };
    },

    token: () => world.session.credentials.accessToken,
    isRenewed: () => world.token() !== world.first && isOpen(world.session),

    async stored() {
      const { rooms, drafts, outbox } = await storage.load();
      const proof = await storage.loadCredentials();
      return [...rooms.keys(), ...drafts.keys(), ...outbox.keys(), ...(proof ? ["proof"] : [])];
    },

    async storedTexts() {
      const { rooms } = await storage.load();
      return [...rooms.values()].flatMap((section) => texts(section.events));
    },
  });
};
