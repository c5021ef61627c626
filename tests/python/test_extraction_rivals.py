"""The measure itself, on answers whose counts are known by hand."""

import extraction_rivals as measure

CORPUS = [
    {"name": "a", "kind": "report", "text": "", "values": [["ipv4-addr", "192.0.2.0/24"], ["url", "http://evil.top/x"]]},
    {"name": "b", "kind": "trap", "text": "", "values": []},
]


def test_counts_right_wrong_and_missed_over_all_snippets():
    answers = {"a": [["url", "http://evil.top/x"]], "b": [["domain-name", "os.path"]]}
    assert measure.score(answers, CORPUS)["all"] == measure.Score(right=1, wrong=1, missed=1)


def test_a_snippet_without_answer_misses_all_its_values():
    assert measure.score({}, CORPUS)["all"] == measure.Score(right=0, wrong=0, missed=2)


def test_less_specific_answers_are_forgiven_only_to_rivals():
    answers = {"a": [["domain-name", "evil.top"], ["ipv4-addr", "192.0.2.0"]]}
    assert measure.score(answers, CORPUS)["all"].wrong == 2
    assert measure.score(answers, CORPUS, lenient=True)["all"].wrong == 0


def test_own_types_leave_other_labels_out_of_account():
    assert measure.score({}, CORPUS, only={"url"})["all"] == measure.Score(0, 0, 1)


def test_answers_of_rivals_are_spelled_like_labels():
    cases = [
        ("url", "HTTP://Evil.TOP:80/x#y", ("url", "http://evil.top/x")),
        ("url", "ldap://192.0.2.1:389/a", ("ipv4-addr", "192.0.2.1")),
        ("ipv6-addr", "2001:DB8:0:0::1%eth0", ("ipv6-addr", "2001:db8::1")),
        ("ipv4-addr", "192.0.2.9/29", ("ipv4-addr", "192.0.2.8/29")),
        ("ipv4-addr", "300.1.2.3", None),
        ("autonomous-system", "ASN64496", ("autonomous-system", "64496")),
        ("bank-account", "de89 3704 0044 0532 0130 00", ("bank-account", "DE89370400440532013000")),
    ]
    for kind, text, wanted in cases:
        assert measure.normal(kind, text) == wanted


def test_figures():
    score = measure.Score(right=6, wrong=2, missed=4)
    assert (measure.precision(score), measure.recall(score), round(measure.f1(score), 4)) == (0.75, 0.6, 0.6667)
