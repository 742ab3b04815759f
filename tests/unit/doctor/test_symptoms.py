"""The table of symptoms: what it names is there, and each examination is somebody's."""

import pytest

from rootcellar.errors import ConfigurationError
from rootcellar.specialist.doctor.suspect import NEEDS
from rootcellar.specialist.doctor.symptoms import SYMPTOMS, Symptom, examinations, symptom
from rootcellar.specialist.rules import all_rules

by_symptom = pytest.mark.parametrize("one", SYMPTOMS, ids=lambda one: str(one.name))


@by_symptom
def test_every_suspect_is_a_rule_or_an_examination(one: Symptom) -> None:
    known = {*all_rules(), *examinations()}
    assert [suspect.name for suspect in one.suspects if suspect.name not in known] == []


@by_symptom
def test_no_suspect_is_named_twice_and_each_says_why(one: Symptom) -> None:
    names = [suspect.name for suspect in one.suspects]
    assert sorted(set(names)) == sorted(names)
    assert all(suspect.why.endswith(".") and suspect.why[0].isalnum() for suspect in one.suspects)


def test_every_examination_is_a_suspect_somewhere() -> None:
    assert set(examinations()) == {suspect.name for one in SYMPTOMS for suspect in one.suspects if not suspect.is_rule}


def test_examinations_need_what_a_case_can_give() -> None:
    assert {need for one in examinations().values() for need in (*one.needs, *one.wants)} <= set(NEEDS)


def test_a_misspelt_symptom_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'chord-stuck'"):
        symptom("chords-stuck")
