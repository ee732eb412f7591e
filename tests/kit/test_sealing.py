"""Sealed values open at their place, with their key, unchanged; nowhere else."""

from __future__ import annotations

import os

import pytest

from signoff.kit.errors import Fault
from signoff.kit.sealing import MasterKey, MasterKeys, Sealed, Sealer


def sealer(*old: MasterKey) -> Sealer:
    return Sealer(MasterKeys(MasterKey(os.urandom(32)), old))


def test_a_value_opens_at_its_place_and_at_no_other() -> None:
    ours = sealer()
    sealed = ours.seal("JBSWY3DPEHPK3PXP", b"person 1")
    assert b"JBSWY3DPEHPK3PXP" not in sealed.ciphertext
    assert ours.open(sealed, b"person 1") == "JBSWY3DPEHPK3PXP"
    with pytest.raises(Fault, match="does not open") as moved:
        ours.open(sealed, b"person 2")
    assert moved.value.code == "secret_damaged"


def test_a_changed_value_does_not_open() -> None:
    ours = sealer()
    sealed = ours.seal("value", b"here")
    bad = Sealed(bytes([sealed.ciphertext[0] ^ 1]) + sealed.ciphertext[1:], sealed.nonce, sealed.key_id)
    with pytest.raises(Fault, match="does not open"):
        ours.open(bad, b"here")


def test_an_older_key_still_opens_and_a_strange_one_says_so() -> None:
    before = sealer()
    sealed = before.seal("value", b"here")
    after = sealer(before.keys.current)
    assert after.open(sealed, b"here") == "value"
    assert after.seal("value", b"here").key_id == after.keys.current.id
    with pytest.raises(Fault) as strange:
        sealer().open(sealed, b"here")
    assert strange.value.code == "secret_key_missing"


def test_a_key_never_shows_itself() -> None:
    ours = sealer()
    assert repr(ours.keys.current.value) not in repr(ours.keys)
    assert "value" not in repr(ours)
