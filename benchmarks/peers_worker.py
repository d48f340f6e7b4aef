"""Runs one peer in an environment of its own: `python peers_worker.py NAME`, one JSON request a line.

Imports nothing of handrail. A request is `{"texts": […], "seconds": s}`; the reply holds the spans of each
text or, with seconds above 0, the CPU seconds per text of going over the texts for at least so long.
"""

import json
import sys
import time


def presidio():
    """Presidio's pattern recognisers with an NLP engine that does nothing."""
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

    class Nothing(NlpEngine):
        def load(self):
            pass

        def is_loaded(self):
            return True

        def process_text(self, text, language):
            return NlpArtifacts([], [], [], [], self, language)

        def process_batch(self, texts, language, **kwargs):
            for text in texts:
                yield text, self.process_text(text, language)

        def is_stopword(self, word, language):
            return False

        def is_punct(self, word, language):
            return False

        def get_supported_entities(self):
            return []

        def get_supported_languages(self):
            return ["en"]

    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=Nothing())
    engine = AnalyzerEngine(registry=registry, nlp_engine=Nothing(), supported_languages=["en"])
    entities = [
        "EMAIL_ADDRESS",
        "PHONE_NUMBER",
        "CREDIT_CARD",
        "IBAN_CODE",
        "US_SSN",
        "IP_ADDRESS",
        "URL",
        "DATE_TIME",
        "CRYPTO",
        "US_DRIVER_LICENSE",
    ]

    def run(text):
        results = engine.analyze(text, "en", entities=entities, score_threshold=0.4)
        return [(r.entity_type, r.start, r.end) for r in results]

    return run


def langchain():
    """LangChain's five detectors."""
    from langchain.agents.middleware import _redaction as redaction

    detectors = {
        "EMAIL_ADDRESS": redaction.detect_email,
        "CREDIT_CARD": redaction.detect_credit_card,
        "IP_ADDRESS": redaction.detect_ip,
        "MAC_ADDRESS": redaction.detect_mac_address,
        "URL": redaction.detect_url,
    }

    def run(text):
        return [(name, m["start"], m["end"]) for name, detect in detectors.items() for m in detect(text)]

    return run


def datafog():
    """DataFog's annotator of seven patterns."""
    from datafog.processing.text_processing.regex_annotator.regex_annotator import RegexAnnotator

    annotator = RegexAnnotator()
    names = {"EMAIL": "EMAIL_ADDRESS", "PHONE": "PHONE_NUMBER", "SSN": "US_SSN"}

    def run(text):
        _, result = annotator.annotate_with_spans(text)
        return [(names.get(s.label, s.label), s.start, s.end) for s in result.spans]

    return run


def main():
    """Answer requests until the input ends."""
    run = {"presidio": presidio, "langchain": langchain, "datafog": datafog}[sys.argv[1]]()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        texts, least = request["texts"], request["seconds"]
        if not least:
            print(json.dumps({"spans": [run(text) for text in texts]}), flush=True)
            continue
        done, start = 0, time.process_time()
        while (spent := time.process_time() - start) < least:
            for text in texts:
                run(text)
            done += len(texts)
        print(json.dumps({"seconds": spent / done}), flush=True)


if __name__ == "__main__":
    main()
