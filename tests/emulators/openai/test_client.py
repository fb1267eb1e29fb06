"""OpenAI's own Python client works against the emulator: its calls, its streams, its retries, its errors."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import openai
import pytest
from openai import AzureOpenAI, OpenAI

from gateway.emulators.openai import OpenAIEmulator
from gateway.emulators.serving import serve

KEY = "emulated-key"
_USAGE = {"include_usage": True}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
    },
}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[OpenAIEmulator, str]]:
    emulator = OpenAIEmulator(name="westeurope", keys=[KEY])
    with serve(emulator) as base_url:
        yield emulator, base_url


@pytest.fixture
def service(served: tuple[OpenAIEmulator, str]) -> OpenAIEmulator:
    served[0].faults.clear()
    return served[0]


@pytest.fixture(params=["openai", "azure", "azure v1"])
def client(request: pytest.FixtureRequest, served: tuple[OpenAIEmulator, str]) -> Iterator[OpenAI]:
    base_url = served[1]
    made: OpenAI
    if request.param == "azure":
        made = AzureOpenAI(azure_endpoint=base_url, api_key=KEY, api_version="2025-03-01-preview", max_retries=0)
    else:
        path = "/v1" if request.param == "openai" else "/openai/v1"
        made = OpenAI(base_url=base_url + path, api_key=KEY, max_retries=0)
    with made:
        yield made


@pytest.fixture
def plain(served: tuple[OpenAIEmulator, str]) -> Iterator[OpenAI]:
    with OpenAI(base_url=served[1] + "/v1", api_key=KEY, max_retries=0) as client:
        yield client


def _say(client: OpenAI, text: str, **more: Any) -> Any:
    return client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}], **more)


def test_chat(client: OpenAI) -> None:
    """A chat completion repeats what was said, and its usage adds up, over each of the three kinds of path."""
    completion = _say(client, "Good morning")
    assert completion.choices[0].message.content == "You said: Good morning"
    assert completion.choices[0].finish_reason == "stop"
    usage = completion.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > usage.prompt_tokens > 0


def test_stream(client: OpenAI) -> None:
    """The events of a stream give the whole answer, and the usage of the same call without a stream."""
    whole = _say(client, "Tell me a long story about gateways")
    events = list(_say(client, "Tell me a long story about gateways", stream=True, stream_options=_USAGE))
    said = "".join(event.choices[0].delta.content or "" for event in events if event.choices)
    assert said == whole.choices[0].message.content
    assert [event.usage for event in events if event.usage] == [whole.usage]
    assert events[-1].choices == []
    assert len(events) > 8


def test_stream_without_usage(plain: OpenAI) -> None:
    """A stream that was not asked for its usage does not tell it."""
    assert not [event for event in _say(plain, "Hello", stream=True) if event.usage]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_responses(client: OpenAI, stream: bool) -> None:
    """The Responses API gives the same text whole and streamed; a stored one can be read, and deleted once."""
    answer: Any = client.responses.create(model="gpt-4o", input="Good evening", instructions="Be kind", stream=stream)
    if stream:
        events = list(answer)
        assert [event.sequence_number for event in events] == list(range(len(events)))
        deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        answer = events[-1].response
        assert deltas == answer.output_text
    assert answer.output_text == "You said: Good evening"
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert client.responses.retrieve(answer.id).output_text == answer.output_text
    client.responses.delete(answer.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(answer.id)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_completions(plain: OpenAI, stream: bool) -> None:
    """The older Completions API answers, and stops at max_tokens."""
    answer: Any = plain.completions.create(model="m", prompt="one two three", max_tokens=3, stream=stream)
    parts = list(answer) if stream else [answer]
    assert "".join(part.choices[0].text for part in parts) == "You said:"
    assert parts[-1].choices[0].finish_reason == "length"


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings(client: OpenAI, encoding: Any) -> None:
    """Embeddings arrive in both encodings with 1,536 dimensions, or as many as were asked for."""
    answer = client.embeddings.create(model="e", input=["a text", "another"], encoding_format=encoding)
    assert [item.index for item in answer.data] == [0, 1]
    if encoding == "float":
        assert [len(item.embedding) for item in answer.data] == [1536, 1536]
    assert len(client.embeddings.create(model="e", input="a text", dimensions=256).data[0].embedding) == 256
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 4


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_function_call(plain: OpenAI, stream: bool) -> None:
    """A function whose name was mentioned is called with arguments of its schema; what it returns is repeated."""
    answer = _say(plain, "What is the weather in Paris?", tools=[WEATHER], stream=stream)
    parts = list(answer) if stream else [answer]
    calls = [part.choices[0].delta if stream else part.choices[0].message for part in parts]
    functions = [call.tool_calls[0].function for call in calls if call.tool_calls]
    assert functions[0].name == "get_weather"
    assert "".join(function.arguments for function in functions) == '{"city": "Paris", "days": 1}'
    assert parts[-1].choices[0].finish_reason == "tool_calls"
    messages: Any = [{"role": "user", "content": "weather?"}, {"role": "tool", "tool_call_id": "c", "content": "rain"}]
    after = plain.chat.completions.create(model="m", messages=messages, tools=[WEATHER])
    assert after.choices[0].message.content == "The function returned: rain"


@pytest.mark.parametrize(("choice", "called"), [("none", False), ("auto", False), ("required", True)])
def test_function_choice(plain: OpenAI, choice: str, called: bool) -> None:
    """``tool_choice`` is obeyed where nothing was said about the function."""
    answer = _say(plain, "Hello", tools=[WEATHER], tool_choice=choice)
    assert bool(answer.choices[0].message.tool_calls) is called


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_function_call_of_responses(plain: OpenAI, stream: bool) -> None:
    """The Responses API calls functions too."""
    tool: Any = {"type": "function", "strict": False, **WEATHER["function"]}
    answer: Any = plain.responses.create(model="m", input="weather in Rome", tools=[tool], stream=stream)
    answer = list(answer)[-1].response if stream else answer
    assert (answer.output[0].name, answer.output[0].arguments) == ("get_weather", '{"city": "Rome", "days": 1}')


def test_json(plain: OpenAI) -> None:
    """A schema for the answer is kept to."""
    schema = {"type": "object", "properties": {"color": {"type": "string", "enum": ["red", "blue"]}}}
    form = {"type": "json_schema", "json_schema": {"name": "c", "schema": schema}}
    assert _say(plain, "A color", response_format=form).choices[0].message.content == '{"color": "red"}'


def test_models_and_images(plain: OpenAI) -> None:
    """Models are listed, and an image is drawn: one pixel."""
    assert [model.id for model in plain.models.list()] == ["gpt-4o", "gpt-4o-mini", "text-embedding-3-small"]
    assert plain.models.retrieve("gpt-4o").id == "gpt-4o"
    drawn = plain.images.generate(model="gpt-image-1", prompt="a cat").data
    assert drawn
    assert drawn[0].b64_json


@pytest.mark.parametrize("form", ["both", "milliseconds"])
def test_client_retries(served: tuple[OpenAIEmulator, str], service: OpenAIEmulator, form: str) -> None:
    """After a 429 the client comes again when it was told to."""
    service.throttle(retry_after_s=0.01, form=form)
    before = service.requests["chat"]
    with OpenAI(base_url=served[1] + "/v1", api_key=KEY, max_retries=1) as client:
        assert _say(client, "again").choices[0].message.content == "You said: again"
    assert service.requests["chat"] == before + 2


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (lambda service: service.throttle(), openai.RateLimitError),
        (lambda service: service.fail(), openai.InternalServerError),
        (lambda service: service.filter_content(), openai.BadRequestError),
        (lambda service: service.drop(), openai.APIConnectionError),
    ],
    ids=["throttled", "broken", "filtered", "dropped"],
)
def test_errors(plain: OpenAI, service: OpenAIEmulator, script: Any, error: type[Exception]) -> None:
    """Each scripted failure is the client's own exception for it, and only once."""
    script(service)
    with pytest.raises(error):
        _say(plain, "Hello")
    assert _say(plain, "Hello").choices


def test_cut(plain: OpenAI, service: OpenAIEmulator) -> None:
    """A stream that is cut gives the events before the cut, then fails."""
    service.cut(after_events=3)
    stream = _say(plain, "a rather long answer", stream=True)
    assert [event.object for event in islice(stream, 3)] == ["chat.completion.chunk"] * 3
    with pytest.raises(openai.APIConnectionError):
        next(stream)


@pytest.mark.parametrize(
    ("key", "model", "error"),
    [("wrong", "gpt-4o", openai.AuthenticationError), (KEY, "", openai.BadRequestError)],
    ids=["key", "model"],
)
def test_refused(served: tuple[OpenAIEmulator, str], key: str, model: str, error: type[Exception]) -> None:
    """A wrong key is a 401, a missing model a 400."""
    with OpenAI(base_url=served[1] + "/v1", api_key=key, max_retries=0) as client, pytest.raises(error):
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hi"}])
