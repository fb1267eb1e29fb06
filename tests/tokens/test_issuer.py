"""The life cycle of an issuer's keys: one test per line of the contract in docs/tokens.md."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from gateway.errors import KeysUnavailable, TokenError
from gateway.tokens.cache import TokenCache
from gateway.tokens.issuer import Issuer, LifeCycle
from gateway.tokens.issuer_error import IssuerError
from gateway.tokens.jwt import Jwt
from gateway.tokens.rules import TokenRules
from gateway.tokens.validator import KeySources, TokenValidator
from tests.tokens.minting import (
    JWKS_URL,
    METADATA_URL,
    NOW,
    V1,
    V2,
    Clock,
    Site,
    entra_site,
    jwk,
    metadata,
    rsa_key,
    token,
)

HOUR, DAY = 3_600.0, 86_400.0


def make_issuer(site: Site, clock: Clock, life: LifeCycle | None = None, jitter: float = 0.0) -> Issuer:
    """An issuer on a simulated clock."""
    return Issuer(METADATA_URL, site, clock, life or LifeCycle(), lambda: jitter)


def make_validator(issuer: Issuer, **rules: Any) -> TokenValidator:
    """Without a cache, so that every call looks at the keys."""
    return TokenValidator(TokenRules(**rules), KeySources(issuers=(issuer,)))


async def verified(validator: TokenValidator, text: str, now: float, source: str = "") -> Jwt:
    """Verify, waiting where keys have to be fetched."""
    jwt = validator.verify(text, now, source=source)
    return jwt if isinstance(jwt, Jwt) else await jwt


async def reason(validator: TokenValidator, text: str, now: float, source: str = "") -> str:
    """The reason of a refusal."""
    with pytest.raises(TokenError) as refused:
        await verified(validator, text, now, source)
    return refused.value.reason


def k2_token(**changes: Any) -> str:
    """Signed by a key that is not published yet."""
    return token(key=rsa_key("k2"), header={"kid": "k2"}, **changes)


def publish(site: Site, *names: str) -> None:
    """Replace the published keys."""
    site.documents[JWKS_URL] = {"keys": [jwk(rsa_key(name), name) for name in names]}


def test_first_token_fetches_metadata_and_keys() -> None:
    """Without a start, the first token that needs keys fetches them and passes."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        assert (await verified(make_validator(make_issuer(site, clock)), token(), NOW)).subject == "s1"
        assert site.fetched == [METADATA_URL, JWKS_URL]

    asyncio.run(scenario())


def test_verify_is_synchronous_once_keys_are_there() -> None:
    """With keys at hand no coroutine is made."""

    async def scenario() -> None:
        issuer = make_issuer(entra_site(), Clock())
        await issuer.refresh()
        assert isinstance(make_validator(issuer).verify(token(), NOW), Jwt)

    asyncio.run(scenario())


@pytest.mark.parametrize(("jitter", "age"), [(0.0, 3600.0), (0.5, 3420.0), (1.0, 3240.0)])
def test_refresh_is_due_ahead_of_the_hour(jitter: float, age: float) -> None:
    """Keys are refreshed within the hour, spread over its last tenth."""

    async def scenario() -> None:
        issuer = make_issuer(entra_site(), Clock(), jitter=jitter)
        await issuer.refresh()
        assert issuer.due == NOW + age

    asyncio.run(scenario())


def test_overdue_refresh_runs_off_the_request_path() -> None:
    """A token at the moment of expiry passes at once, on the old keys; the refresh happens behind it."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        clock.now += HOUR
        assert isinstance(make_validator(issuer).verify(token(exp=NOW + 9_999), clock.now), Jwt)
        assert len(site.fetched) == 2
        await issuer.refresh()  # joins the one under way
        assert len(site.fetched) == 4

    asyncio.run(scenario())


def test_500_requests_at_expiry_make_one_fetch() -> None:
    """Single-flight: five hundred requests at the moment of expiry cost one fetch, and none of them waits."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        clock.now += HOUR
        validator, text = make_validator(issuer), token(exp=NOW + 9_999)
        assert all(isinstance(validator.verify(text, clock.now), Jwt) for _ in range(500))
        await issuer.refresh()
        assert site.fetched == [METADATA_URL, JWKS_URL] * 2

    asyncio.run(scenario())


def test_500_first_requests_share_one_fetch() -> None:
    """Before there are keys, all wait for the same fetch."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        validator, text = make_validator(make_issuer(site, clock)), token()
        results = await asyncio.gather(*(verified(validator, text, NOW) for _ in range(500)))
        assert len(results) == 500
        assert site.fetched == [METADATA_URL, JWKS_URL]

    asyncio.run(scenario())


def test_a_caller_that_leaves_does_not_stop_the_fetch() -> None:
    """A cancelled request does not cancel the fetch that others wait for."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        waiting = asyncio.ensure_future(issuer.refresh())
        await asyncio.sleep(0)
        waiting.cancel()
        while issuer.keyset is None:
            await asyncio.sleep(0)
        assert waiting.cancelled()
        assert site.fetched == [METADATA_URL, JWKS_URL]

    asyncio.run(scenario())


def test_unknown_kid_fetches_the_keys_again() -> None:
    """A rotation is noticed by the first token that carries the new key id."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        publish(site, "k1", "k2")
        assert (await verified(make_validator(issuer), k2_token(), NOW)).subject == "s1"
        assert site.fetched[2:] == [JWKS_URL]

    asyncio.run(scenario())


@pytest.mark.slow
def test_10_000_unknown_kids_stay_in_budget_and_a_rotation_is_noticed() -> None:
    """10,000 unknown kids in 10 s from one client cost one fetch; a real rotation meanwhile is noticed at once."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        validator, before = make_validator(issuer), len(site.fetched)
        parts = token(key=rsa_key("k2"), header={"kid": "X"}).split(".")
        for number in range(10_000):
            head = token(key=b"k" * 32, algorithm="HS256", header={"kid": f"flood{number}", "alg": "RS256"}).split(".")[
                0
            ]
            clock.now = NOW + number / 1_000
            assert await reason(validator, f"{head}.{parts[1]}.{parts[2]}", clock.now, "198.51.100.1") == (
                "TokenSignatureKeyNotFound"
            )
        assert len(site.fetched) - before == 1
        publish(site, "k1", "k2")
        assert (await verified(validator, k2_token(), clock.now, "192.0.2.7")).subject == "s1"
        assert len(site.fetched) - before == 2

    asyncio.run(scenario())


def test_a_flood_from_everywhere_delays_a_rotation_by_one_window_at_most() -> None:
    """With the budget spent by many sources, the new key is found when the window has passed."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        validator = make_validator(issuer)
        for number in range(50):
            text = token(key=rsa_key("k2"), header={"kid": f"flood{number}"})
            await reason(validator, text, clock.now, f"source{number}")
        assert site.fetched.count(JWKS_URL) == 1 + 2
        publish(site, "k1", "k2")
        assert await reason(validator, k2_token(), clock.now, "honest") == "TokenSignatureKeyNotFound"
        clock.now += 30
        assert (await verified(validator, k2_token(), clock.now, "honest")).subject == "s1"

    asyncio.run(scenario())


def test_requests_of_one_moment_share_a_fetch() -> None:
    """The first token of a new key begins the fetch at once: those behind it wait for it instead of being refused."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        before = len(site.fetched)
        landings = [issuer.fetch_for("new", "one client", clock.now) for _ in range(3)]
        await asyncio.gather(*(landing for landing in landings if landing is not None))
        assert None not in landings
        assert len(site.fetched) == before + 1

    asyncio.run(scenario())


def test_scheduled_refresh_has_its_own_slot() -> None:
    """A spent budget does not hold up the hourly refresh."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        for _ in range(4):
            clock.now += 0.001
            landing = issuer.fetch_for(None, str(clock.now), clock.now)
            if landing is not None:
                await landing
        assert issuer.fetch_for(None, "another", clock.now) is None
        before = len(site.fetched)
        await issuer.refresh()
        assert len(site.fetched) == before + 2

    asyncio.run(scenario())


def test_unknown_kids_do_not_put_off_the_refresh() -> None:
    """However often key sets are fetched for unknown ids, the metadata is read again within its hour."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        for minute in range(59):
            clock.now = NOW + 60 * minute
            landing = issuer.fetch_for(f"k{minute}", "one client", clock.now)
            assert landing is not None
            await landing
        assert issuer.due == NOW + HOUR
        assert site.fetched.count(METADATA_URL) == 1

    asyncio.run(scenario())


def test_a_kid_that_was_not_found_causes_no_second_fetch() -> None:
    """The negative memory holds for five minutes, then the key id may ask again."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        validator = make_validator(issuer)
        for moment, fetches in ((0, 2), (60, 2), (299, 2), (301, 3)):
            clock.now = NOW + moment
            await reason(validator, k2_token(), clock.now, f"at {moment}")
            assert site.fetched.count(JWKS_URL) == fetches

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "changes",
    [{"exp": NOW - 1}, {"aud": "other"}, {"iss": "https://evil.example"}, {"roles": None}],
    ids=["expired", "audience", "issuer", "claim"],
)
def test_tokens_that_fail_anyway_cause_no_fetch(changes: dict[str, Any]) -> None:
    """A token that its claims refuse spends nothing of the budget, whatever its key id."""

    async def scenario() -> None:
        from gateway.tokens.rules import RequiredClaim

        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        rules = {"audiences": frozenset({"api"}), "required_claims": (RequiredClaim("roles"),)}
        validator = make_validator(issuer, **rules)
        assert await reason(validator, k2_token(**{"roles": ["r"], **changes}), NOW) == "TokenSignatureKeyNotFound"
        assert len(site.fetched) == 2

    asyncio.run(scenario())


FAILURES: dict[str, Callable[[Site], None]] = {
    "unreachable": lambda site: site.documents.clear(),
    "HTML": lambda site: site.documents.update({JWKS_URL: b"<html>"}),
    "empty": lambda site: site.documents.update({JWKS_URL: {"keys": []}}),
    "no keys member": lambda site: site.documents.update({JWKS_URL: {}}),
    "only odd keys": lambda site: site.documents.update({JWKS_URL: {"keys": [{"kty": "AKP"}]}}),
    "status 429": lambda site: setattr(site, "status", 429),
    "redirect": lambda site: setattr(site, "status", 302),
    "another issuer": lambda site: site.documents.update({METADATA_URL: metadata("https://evil.example")}),
    "plain http keys": lambda site: site.documents.update({METADATA_URL: metadata(jwks_uri="http://k.example/")}),
    "bug": lambda site: site.documents.update({METADATA_URL: RuntimeError("bug")}),
}


@pytest.mark.parametrize("break_it", FAILURES.values(), ids=FAILURES)
def test_last_good_keys_stay_on_any_failure(break_it: Callable[[Site], None]) -> None:
    """Whatever the issuer answers, tokens that were good stay good, and readiness says what is wrong."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        break_it(site)
        clock.now += HOUR
        await issuer.refresh()
        assert isinstance(make_validator(issuer).verify(token(exp=NOW + 9_999), clock.now), Jwt)
        status = issuer.status(clock.now)
        assert (status.ready, bool(status.error), status.failures) == (True, True, 1)

    asyncio.run(scenario())


def test_issuer_down_for_an_hour() -> None:
    """On a simulated clock: valid tokens pass for the whole hour, attempts back off, and recovery is noticed."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        good = dict(site.documents)
        site.documents.clear()
        clock.now += HOUR
        validator, text = make_validator(issuer), token(exp=NOW + 3 * HOUR)
        for _ in range(60):
            clock.now += 60
            assert isinstance(validator.verify(text, clock.now), Jwt)
            if clock.now >= issuer.due:
                await issuer.refresh()
        assert len(site.fetched) < 25
        site.documents.update(good)
        clock.now = issuer.due
        await issuer.refresh()
        assert issuer.status(clock.now).error == ""

    asyncio.run(scenario())


def test_start_with_the_issuer_down() -> None:
    """Without keys a token is answered 503 with the time to retry, not 401; the first success changes that."""

    async def scenario() -> None:
        site, clock = Site(), Clock()
        issuer = make_issuer(site, clock)
        validator = make_validator(issuer)
        with pytest.raises(KeysUnavailable) as missing:
            await verified(validator, token(), clock.now)
        assert missing.value.retry_after >= 1
        assert missing.value.message == (
            f"Keys of a token issuer are not available. {METADATA_URL}: cannot be reached."
        )
        status = issuer.status(clock.now)
        assert (status.ready, status.issuer, status.age_s) == (False, None, None)
        assert (status.usable_keys, status.vanished_keys, status.fetches, status.failures) == (0, 0, 1, 1)
        site.documents.update(entra_site().documents)
        clock.now = issuer.due
        assert (await verified(validator, token(), clock.now)).subject == "s1"

    asyncio.run(scenario())


def test_no_fetch_storm_while_down() -> None:
    """Requests between two attempts do not fetch: they are answered 503 at once."""

    async def scenario() -> None:
        site, clock = Site(), Clock()
        validator = make_validator(make_issuer(site, clock))
        for _ in range(100):
            with pytest.raises(KeysUnavailable):
                await verified(validator, token(), clock.now)
        assert len(site.fetched) == 1

    asyncio.run(scenario())


def test_malformed_tokens_are_refused_while_down() -> None:
    """What no key could save is a 401 even without keys."""

    async def scenario() -> None:
        validator = make_validator(make_issuer(Site(), Clock()))
        assert await reason(validator, "a.b", NOW) == "JwtInvalid"
        assert await reason(validator, token(exp=NOW - 1), NOW) == "TokenSignatureKeyNotFound"

    asyncio.run(scenario())


def test_unknown_kid_while_the_issuer_fails_is_not_the_callers_fault() -> None:
    """When the fetch for a new key id fails, the answer is 503: the key may well exist."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        site.documents.clear()
        with pytest.raises(KeysUnavailable):
            await verified(make_validator(issuer), k2_token(), NOW)

    asyncio.run(scenario())


def test_pauses_after_failures_double_up_to_a_limit() -> None:
    """With old keys 1 s, 2 s, 4 s … 5 minutes; each a quarter shorter or longer."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock, jitter=0.5)
        await issuer.refresh()
        site.documents.clear()
        pauses = []
        for _ in range(10):
            await issuer.refresh()
            pauses.append(issuer.due - clock.now)
        assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]

    asyncio.run(scenario())


@pytest.mark.parametrize(("jitter", "pause"), [(0.0, 1.0), (1.0, 1.25)])
def test_an_issuer_without_keys_is_probed_every_second(jitter: float, pause: float) -> None:
    """Without any key nobody can pass, so the pause does not grow: good tokens pass two seconds after its return."""

    async def scenario() -> None:
        clock = Clock()
        issuer = make_issuer(Site(), clock, jitter=jitter)
        for _ in range(50):
            await issuer.refresh()
            assert issuer.due - clock.now == pause

    asyncio.run(scenario())


def test_a_raced_fetch_is_not_begun_again() -> None:
    """Whoever was let in on a fetch that has landed meanwhile begins no second one, and failures do not multiply."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        site.documents.clear()
        validator = make_validator(issuer)
        fetches = issuer.status(clock.now).fetches
        late = [
            validator.verify(token(header={"kid": f"new{number}"}), clock.now, source="one client")
            for number in range(5)
        ]
        for waiting in late:  # each is awaited only after the one before has ended, when the fetch has long landed
            assert not isinstance(waiting, Jwt)
            with pytest.raises(KeysUnavailable):
                await waiting
        status = issuer.status(clock.now)
        assert (status.fetches - fetches, status.failures) == (1, 1)

    asyncio.run(scenario())


def test_fetches_for_tokens_do_not_lengthen_the_pause() -> None:
    """A flood of unknown key ids while an issuer is down does not prolong the wait after its return."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock, jitter=0.5)
        await issuer.refresh()
        site.documents.clear()
        validator = make_validator(issuer)
        for number in range(100):
            clock.now += 10
            issuer.due = clock.now + 100  # whatever the schedule had in mind
            with pytest.raises(KeysUnavailable):
                await verified(validator, token(header={"kid": f"new{number}"}), clock.now, f"client {number}")
            assert issuer.due in (clock.now + 30, clock.now + 100)

    asyncio.run(scenario())


def test_a_withdrawn_key_verifies_nothing() -> None:
    """If a key is withdrawn at run time, its cached verdicts end, and no refresh brings it back."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        validator = TokenValidator(TokenRules(), KeySources(issuers=(issuer,)), TokenCache())
        assert (await verified(validator, token(), clock.now)).subject == "s1"
        assert issuer.withdraw("k1")
        assert await reason(validator, token(), clock.now) == "TokenSignatureKeyNotFound"
        await issuer.refresh()
        assert await reason(validator, token(), clock.now) == "TokenSignatureKeyNotFound"
        assert not issuer.withdraw("k1")

    asyncio.run(scenario())


def test_keys_withdrawn_by_the_settings_are_never_loaded() -> None:
    """A setting withdraws a key by its id or its certificate's thumbprint before the first fetch."""

    async def scenario() -> None:
        issuer = make_issuer(entra_site(), Clock(), LifeCycle(withdrawn=frozenset({"k1"})))
        await issuer.refresh()
        assert issuer.keyset is not None
        assert "k1" not in issuer.keyset.by_kid

    asyncio.run(scenario())


def test_a_withdrawn_key_is_gone_under_any_name() -> None:
    """The withdrawn key published again under another key id verifies nothing."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        assert issuer.withdraw("k1")
        site.documents[JWKS_URL] = {"keys": [jwk(rsa_key("k1"), "renamed"), jwk(rsa_key("k2"), "k2")]}
        await issuer.refresh()
        text = token(header={"kid": "renamed"})
        assert await reason(make_validator(issuer), text, clock.now) == "TokenSignatureKeyNotFound"

    asyncio.run(scenario())


def test_without_its_last_key_an_issuer_is_asked_again() -> None:
    """When its only key is withdrawn, the issuer is asked every second, and the key that replaces it passes then."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        task = asyncio.create_task(issuer.keep_fresh())
        await asyncio.sleep(0)
        before = len(site.fetched)
        assert issuer.withdraw("k1")
        while len(site.fetched) < before + 2:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (issuer.due, issuer.status(clock.now).ready) == (clock.now + 1, False)
        publish(site, "k2")
        await issuer.refresh()
        assert (issuer.due, issuer.status(clock.now).ready) == (clock.now + HOUR, True)

    asyncio.run(asyncio.wait_for(scenario(), 5))


def test_while_the_issuer_is_down_unknown_kids_cause_two_requests_in_a_window() -> None:
    """With keys at hand: whoever asks, the issuer sees two requests in 30 s, and the first repetition comes after."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        site.documents.clear()
        validator, before = make_validator(issuer), len(site.fetched)
        for number in range(299):
            clock.now = NOW + number / 10
            with pytest.raises(KeysUnavailable):
                await verified(validator, token(header={"kid": f"new{number}"}), clock.now, f"client {number}")
        assert len(site.fetched) - before == 2
        assert isinstance(validator.verify(token(), clock.now), Jwt)

    asyncio.run(scenario())


def test_retry_after_of_the_issuer_is_kept() -> None:
    """An issuer that says when to come back is not asked earlier."""

    async def scenario() -> None:
        clock = Clock()
        issuer = make_issuer(Site({METADATA_URL: IssuerError("busy", 120.0)}), clock)
        await issuer.refresh()
        assert issuer.due == NOW + 120

    asyncio.run(scenario())


def test_vanished_keys_stay_for_a_day() -> None:
    """A key that is no longer published verifies for 24 h more, and then not."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        await issuer.refresh()
        publish(site, "k2")
        await issuer.refresh()
        validator, text = make_validator(issuer), token(exp=NOW + 9 * int(DAY))
        assert isinstance(validator.verify(text, NOW + DAY - 1), Jwt)
        assert issuer.status(NOW).vanished_keys == 1
        issuer.due = NOW + 2 * DAY
        clock.now = NOW + DAY
        assert await reason(validator, text, clock.now) == "TokenSignatureKeyNotFound"
        assert issuer.status(clock.now).vanished_keys == 0

    asyncio.run(scenario())


def test_one_odd_key_is_warned_about_once() -> None:
    """An odd key never spoils the set, and its warning is not repeated every hour."""

    async def scenario() -> None:
        site = entra_site(jwk(rsa_key()), {"kty": "AKP", "kid": "post-quantum"})
        issuer = make_issuer(site, Clock())
        with structlog.testing.capture_logs() as logs:
            await issuer.refresh()
            await issuer.refresh()
        assert [entry["key"] for entry in logs] == ["'post-quantum'"]
        assert isinstance(make_validator(issuer).verify(token(), NOW), Jwt)

    asyncio.run(scenario())


def test_one_warning_per_change_of_state() -> None:
    """Down and up again are two log lines, however many attempts lie between."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock)
        good = dict(site.documents)
        with structlog.testing.capture_logs() as logs:
            site.documents.clear()
            for _ in range(5):
                await issuer.refresh()
            site.documents.update(good)
            await issuer.refresh()
        assert logs == [
            {
                "event": "issuer_down", "log_level": "warning", "url": METADATA_URL, "keys_at_hand": False,
                "reason": "cannot be reached",
            },
            {"event": "issuer_back", "log_level": "info", "url": METADATA_URL, "failures": 5},
        ]  # fmt: skip

    asyncio.run(scenario())


def test_a_listed_issuer_may_differ_from_the_url() -> None:
    """Metadata may state an issuer that the policy lists by hand."""

    async def scenario() -> None:
        site = entra_site(issuer="https://front.example")
        issuer = make_issuer(site, Clock())
        issuer.expected = frozenset({"https://front.example"})
        await issuer.refresh()
        assert issuer.status(NOW).issuer == "https://front.example"

    asyncio.run(scenario())


def test_ownership_before_the_first_fetch() -> None:
    """Before its metadata was read, an issuer owns what its URL may state, so that no other key speaks for it."""
    issuer = make_issuer(Site(), Clock())
    assert [issuer.owns(name, {}) for name in (V2, V1, "https://evil.example")] == [True, True, False]


def test_a_clock_that_is_set_back() -> None:
    """When the clock jumps back by a day, the next refresh is not a day late."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock, LifeCycle(lifetime_s=0.01))
        await issuer.refresh()
        clock.now -= DAY
        task = asyncio.create_task(issuer.keep_fresh())
        while len(site.fetched) < 4:
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(asyncio.wait_for(scenario(), 5))


@pytest.mark.parametrize("name", ["https://[x", "http://[::1", "\ud800", "", "//", "https://a.example:99999999"])
def test_odd_issuers_while_down(name: str) -> None:
    """A stranger's iss that is no URL is compared, never taken apart (found by fuzzing: it was a crash)."""
    assert not make_issuer(Site(), Clock()).owns(name, {})


def test_keep_fresh_waits_until_due() -> None:
    """The background task refreshes at once, and then when due."""

    async def scenario() -> None:
        site, clock = entra_site(), Clock()
        issuer = make_issuer(site, clock, LifeCycle(lifetime_s=0.01))
        task = asyncio.create_task(issuer.keep_fresh())
        while len(site.fetched) < 2:
            await asyncio.sleep(0)
        clock.now += 1
        while len(site.fetched) < 4:
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(asyncio.wait_for(scenario(), 5))


def test_offline_use_fetches_nothing() -> None:
    """Without an event loop, as in gateway explain, an overdue refresh is simply not begun."""
    site, clock = entra_site(), Clock()
    issuer = make_issuer(site, clock)
    asyncio.run(issuer.refresh())
    assert issuer.keys_at(NOW + 2 * HOUR) is not None
    assert len(site.fetched) == 2
