// matrix-bot-sdk asks for its cryptography when it is imported, whether it is used or
// not; that is a binary which only an install script fetches. Nothing stands in for it.

import { registerHooks } from "node:module";

const BINARY = "@matrix-org/matrix-sdk-crypto-nodejs";
const NOTHING = "nothing:";

registerHooks({
  resolve(specifier, context, next) {
    const found = { url: NOTHING, format: "commonjs", shortCircuit: true };
    return specifier === BINARY ? found : next(specifier, context);
  },
  load(url, context, next) {
    const empty = { format: "commonjs", source: "", shortCircuit: true };
    return url === NOTHING ? empty : next(url, context);
  },
});
