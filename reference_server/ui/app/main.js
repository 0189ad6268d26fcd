// The application. Its language comes first, so that no text is seen in another one.

import "../elements/app.js";
import { suitable, texts } from "./i18n.js";
import { preferences } from "./preferences.js";

const language = preferences.get("language") || suitable(navigator.languages);
document.documentElement.lang = language;
await texts.use(language);
document.body.append(document.createElement("cp-app"));
