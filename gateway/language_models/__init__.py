"""
What requests to language models and their answers mean, for policies that compare, keep and judge them.

    dialogue.py         what a request asks: its text, and everything else
    complete_answer.py  whether an answer may be given again
    model_texts.py      every text in a request or an answer
    judged_texts.py     the texts of whole bodies, beside the event loop where they are long
    event_splitter.py   server-sent events
    joined_parts.py     what a model reads as one text although it comes in parts
    guarded_stream.py   a streamed answer that passes window by window
    caller.py           who calls, for what callers must not share
    service_call.py     a question to a service through a backend of the configuration
    embeddings.py       vectors of texts
    content_safety.py   Azure AI Content Safety

Source: docs/adr/0094.
"""
