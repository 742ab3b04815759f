"""What differs between the versions of Celery these tests run on, and why: the one place that says so."""

import celery

_IS_5_7 = celery.VERSION[:2] >= (5, 7)

#: ``AsyncResult.exists()`` is new in 5.7; the backend's method behind it is there with ours on every version.
HAS_EXISTS = _IS_5_7
#: ``result_compression`` does nothing in Celery's own backends before 5.7 (celery/celery#9370), so only from then on is
#: there anything to be equal to, and only from then on does a ``redis://`` client read what ours compresses.
STOCK_COMPRESSIONS = ("gzip",) if _IS_5_7 else ()
#: ``result_failure_expires`` is a setting of Celery's from 5.7 on; rootcellar honours the name on every version.
HAS_FAILURE_EXPIRES = _IS_5_7

#: ``AsyncResult.forget`` tells the backend that nobody waits any more from 5.6 on; before that only the record goes,
#: and a listener's wait lasts as long as its result.
FORGET_ENDS_LISTENING = celery.VERSION[:2] >= (5, 6)

#: Celery's own Redis backend counts a chord's parts by task and place from 5.7 on, which ours do on every version; only
#: from then on is there anything to be equal to.
CHORDS_ARE_STOCKS = _IS_5_7

#: When a chord fails, a group that is its body fails with it from 5.6 on; its tasks' errbacks are called from 5.7 on.
GROUP_BODIES_FAIL = celery.VERSION[:2] >= (5, 6)
GROUP_BODIES_CALL_ERRBACKS = _IS_5_7
#: When a chord fails, what follows its body in a chain fails with it from 5.7 on, with ours on every version; before,
#: no errback of the body is called.
CHAINS_FAIL_BEHIND_CHORDS = _IS_5_7

#: What ends a program (``SystemExit``) is stored as a task's error from 5.7 on; before, it cannot be encoded.
STORES_WHAT_ENDS_PROGRAMS = _IS_5_7

#: Before 5.7, the members of a group that replaces a chord's member all have the same place, and come in any order.
REPLACING_GROUPS_ARE_ORDERED = _IS_5_7
