from __future__ import annotations

import pytest
from playwright.sync_api import expect

from reference_server.web.static import POLICY
from tests.ui.person import eventually


@pytest.fixture
def planted(window, server):
    """planted(body): a page under the client's policy that a mistake has got into."""

    def open_one(body, **options):
        page, watch = window(**options)

        def answer(route):
            text = f"<!doctype html><html lang=en><title>it</title><main>{body}</main>"
            route.fulfill(response=route.fetch(), body=text)

        page.route(f"{server.url}/", answer)
        page.goto(server.url)
        return page, watch

    return open_one


def test_policy_comes_with_page(window, server):
    page, _ = window()
    response = page.goto(f"{server.url}/ui/vendor/lit.js")
    assert response.headers["content-security-policy"] == POLICY


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<script>document.title = 'bad'</script>", "script-src-elem"),
        ("<img src='/ui/none.png' alt='' onerror='1'>", "script-src-attr"),
        ("<p style='color: red'>", "style-src-attr"),
        ("<style>p { color: red }</style>", "style-src-elem"),
        ("<img src='http://127.0.0.1:9/' alt=''>", "img-src"),
        ("<img src='/ui/none.png' alt=''>", "404"),
    ],
)
def test_planted_markup_is_noted(planted, body, told):
    page, watch = planted(body)
    eventually(page, lambda: any(told in problem for problem in watch.unforgiven))
    assert page.title() == "it"
    watch.forgive(".")


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("document.body.innerHTML = '<p>'", "TrustedHTML"),
        ("trustedTypes.createPolicy('mine', {})", "trusted-types"),
        ("setTimeout(() => { throw new Error('planted') })", "error: planted"),
        ("Promise.reject(new Error('planted'))", "error: planted"),
        ("console.error('planted')", "console error: planted"),
        ("console.warn('planted')", "console warning: planted"),
        ("fetch('http://127.0.0.1:9/')", "connect-src"),
        ("new WebSocket('ws://127.0.0.1:9/')", "connect-src"),
    ],
)
def test_fault_of_script_is_noted(planted, script, told):
    page, watch = planted("")
    page.evaluate(f"() => {{ try {{ {script} }} catch {{ }} }}")
    eventually(page, lambda: any(told in problem for problem in watch.unforgiven))
    watch.forgive(".")


def test_requests_to_others_are_noted(planted):
    page, watch = planted("<img src='http://127.0.0.1:9/' alt=''>", bypass_csp=True)
    eventually(page, lambda: len(watch.unforgiven) >= 2)
    told = "\n".join(watch.unforgiven)
    assert "foreign request: GET http://127.0.0.1:9/" in told
    assert "request failed: http://127.0.0.1:9/" in told
    watch.forgive(".")


def test_forgiven_problem_is_none(planted):
    page, watch = planted("")
    watch.forgive("^console error: one")
    page.evaluate("() => { console.error('one'); console.error('two') }")
    eventually(page, lambda: len(watch.problems) == 2)
    with pytest.raises(AssertionError, match="two"):
        watch.check()
    watch.forgive("two")
    watch.check()


def test_faults_of_access_are_found(planted, axe):
    page, _ = planted("<h1>it</h1>", bypass_csp=True)
    assert axe(page) == []
    page.evaluate("() => document.body.append(document.createElement('img'))")
    assert any(line.startswith("image-alt") for line in axe(page))


def test_library_runs_under_policy(planted, server):
    page, _ = planted("")
    page.evaluate(
        """async () => {
          const { html, render } = await import("/ui/vendor/lit.js");
          const { default: purify } = await import("/ui/vendor/purify.js");
          const text = purify.sanitize("<b onclick=x>clean</b>", { RETURN_TRUSTED_TYPE: true });
          render(html`<p title=${text}>from lit</p>`, document.querySelector("main"));
        }"""
    )
    expect(page.get_by_text("from lit")).to_have_attribute("title", "<b>clean</b>")


def test_own_policy_may_name_scripts(planted):
    page, _ = planted("")
    made = page.evaluate(
        """() => {
          const rules = { createScriptURL: (address) => address };
          const policy = trustedTypes.createPolicy("chatproto", rules);
          const address = policy.createScriptURL("/ui/vendor/lit.js");
          return String(new Worker(address, { type: "module" }));
        }"""
    )
    assert made == "[object Worker]"


def test_foreign_page_may_load_modules(window, server):
    page, watch = window()
    address = f"{server.url}/_chatproto/ui/vendor/lit.js"
    text = f"""<title>foreign</title><script type="module">
      import {{ html, render }} from "{address}";
      render(html`<p>from lit</p>`, document.body);
    </script>"""
    page.route(
        "http://foreign.test/", lambda r: r.fulfill(body=text, content_type="text/html")
    )
    watch.forgive("foreign request: GET http://foreign.test/")
    page.goto("http://foreign.test/")
    expect(page.get_by_text("from lit")).to_be_visible()


def test_people_act_without_their_windows(people):
    anna, bob = (people(name, logged_in=False).api for name in ("anna", "bob"))
    room_id = anna.room_with(bob, name="Orders")
    event_id = bob.say(room_id, "hello")
    anna.read(room_id, event_id)
    anna.set_state(room_id, "m.room.topic", {"topic": "of today"})
    assert bob.direct_with(anna) != room_id
    page = anna.get(f"/rooms/{room_id}/messages?dir=b")
    assert [e["type"] for e in page["chunk"][:2]] == ["m.room.topic", "m.room.message"]
    bob.leave(room_id)
    anna.invite(room_id, bob)
    name = anna.get(f"/profile/{bob.user_id}")["displayname"]
    assert name == "Bob"


def test_door_lets_in(people):
    anna = people("anna", logged_in=False)
    anna.log_in_by_form()


def test_window_keeps_who_is_logged_in(people):
    anna = people("anna", locale="ru")
    anna.page.reload()
    expect(anna.page.get_by_role("navigation").first).to_be_visible()
    expect(anna.page.locator("html")).to_have_attribute("lang", "ru")


def test_two_people_have_windows_of_their_own(people):
    anna, bob = people("anna"), people("bob", touch=True)
    room_id = anna.api.room_with(bob.api, name="Orders")
    anna.api.say(room_id, "hello")
    for person in (anna, bob):
        expect(person.page.get_by_text("Orders").first).to_be_visible()
    assert bob.page.viewport_size["width"] < anna.page.viewport_size["width"]
