import { html, render } from "../vendor/lit.js";

render(html`<main><h1>chatproto</h1></main>`, document.body);
