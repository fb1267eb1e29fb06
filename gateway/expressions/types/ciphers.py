"""RSA, AES and the other ciphers; APIM's ``Encrypt`` and ``Decrypt`` of byte arrays."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Sequence
from typing import Any
from xml.etree import ElementTree

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives import padding as block_padding
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import Thrown, argument_null, thrown
from gateway.expressions.types.hashing import Hasher, algorithm
from gateway.expressions.types.objects import enumeration
from gateway.expressions.values import EnumValue

_C = "System.Security.Cryptography"
MODE = enumeration(f"{_C}.CipherMode", CBC=1, ECB=2, OFB=3, CFB=4, CTS=5)
PADDING = enumeration(f"{_C}.PaddingMode", PKCS7=2, Zeros=3, ANSIX923=4, ISO10126=5)
PADDING.definition.values["None"] = 1
PADDING.definition.table["const PaddingMode None"] = EnumValue(PADDING, 1)


def failed(message: str = "The parameter is incorrect.") -> Thrown:
    """The exception of a cipher."""
    return thrown("CryptographicException", message)


class RsaValue:
    """``RSA``: a public or private key."""

    __slots__ = ("key",)

    def __init__(self, key: object = None) -> None:
        self.key = key

    @property
    def private(self) -> rsa.RSAPrivateKey:
        """The private key. Raises Thrown, as .NET does without one."""
        if not isinstance(self.key, rsa.RSAPrivateKey):
            raise failed("Key does not exist.")
        return self.key

    @property
    def public(self) -> rsa.RSAPublicKey:
        """The public key."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.public_key()
        if not isinstance(self.key, rsa.RSAPublicKey):
            raise failed("Key does not exist.")
        return self.key


class Padding(str):
    """``RSAEncryptionPadding`` or ``RSASignaturePadding``, by name."""

    __slots__ = ()


class EncryptionPadding(Padding):
    """``RSAEncryptionPadding``."""

    __slots__ = ()


ENCRYPTION = define(f"{_C}.RSAEncryptionPadding", {
    "static RSAEncryptionPadding Pkcs1": lambda: EncryptionPadding("Pkcs1"),
    **{f"static RSAEncryptionPadding Oaep{name}": lambda name=name: EncryptionPadding(name)
       for name in ("SHA1", "SHA256", "SHA384", "SHA512")},
})  # fmt: skip
SIGNATURE = define(f"{_C}.RSASignaturePadding", {
    "static RSASignaturePadding Pkcs1": lambda: Padding("Pkcs1"),
    "static RSASignaturePadding Pss": lambda: Padding("Pss"),
})  # fmt: skip
represent(EncryptionPadding, ENCRYPTION)
represent(Padding, SIGNATURE)


def _encryption(name: str | bool) -> padding.AsymmetricPadding:
    if isinstance(name, bool):
        name = "SHA1" if name else "Pkcs1"
    if name == "Pkcs1":
        return padding.PKCS1v15()
    hashed = algorithm(name)
    return padding.OAEP(padding.MGF1(hashed), hashed, None)


def _signature(name: str, hashed: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    return padding.PKCS1v15() if name == "Pkcs1" else padding.PSS(padding.MGF1(hashed), hashed.digest_size)


def _guarded(run: Callable[[], bytes]) -> bytearray:
    try:
        return bytearray(run())
    except (ValueError, TypeError):
        raise failed() from None


def _encrypt(value: RsaValue, data: bytes, pad: str | bool) -> bytearray:
    return _guarded(lambda: value.public.encrypt(bytes(data), _encryption(pad)))


def _decrypt(value: RsaValue, data: bytes, pad: str | bool) -> bytearray:
    return _guarded(lambda: value.private.decrypt(bytes(data), _encryption(pad)))


def _sign(value: RsaValue, data: bytes, name: str, pad: str = "Pkcs1") -> bytearray:
    hashed = algorithm(name)
    return _guarded(lambda: value.private.sign(bytes(data), _signature(pad, hashed), hashed))


def _sign_hash(value: RsaValue, data: bytes, name: str, pad: str) -> bytearray:
    hashed = algorithm(name)
    return _guarded(lambda: value.private.sign(bytes(data), _signature(pad, hashed), Prehashed(hashed)))


def _verified(value: RsaValue, data: bytes, signature: bytes, pad: str, hashed: hashes.HashAlgorithm | Prehashed,
              plain: hashes.HashAlgorithm) -> bool:  # fmt: skip
    try:
        value.public.verify(bytes(signature), bytes(data), _signature(pad, plain), hashed)
    except InvalidSignature:
        return False
    return True


def _verify(value: RsaValue, data: bytes, signature: bytes, name: str, pad: str) -> bool:
    hashed = algorithm(name)
    return _verified(value, data, signature, pad, hashed, hashed)


def _verify_hash(value: RsaValue, data: bytes, signature: bytes, name: str, pad: str) -> bool:
    hashed = algorithm(name)
    return _verified(value, data, signature, pad, Prehashed(hashed), hashed)


_NUMBERS = ("Modulus", "Exponent", "P", "Q", "DP", "DQ", "InverseQ", "D")


class KeyNumbers:
    """``RSAParameters``."""

    __slots__ = ("numbers",)

    def __init__(self) -> None:
        self.numbers: dict[str, bytes | None] = {}


def _number(name: str) -> tuple[Callable[[KeyNumbers], object], Callable[[KeyNumbers, object], None]]:
    return (lambda value: value.numbers.get(name), lambda value, data: value.numbers.__setitem__(name, data))


KEY_NUMBERS = define(
    f"{_C}.RSAParameters", {"new()": KeyNumbers, **{f"byte[] {name}": _number(name) for name in _NUMBERS}}
)
represent(KeyNumbers, KEY_NUMBERS)


def _import_numbers(value: RsaValue, key: KeyNumbers) -> None:
    _import(value, {name: int.from_bytes(bytes(data), "big") for name, data in key.numbers.items() if data})


def _import(value: RsaValue, n: dict[str, int]) -> None:
    try:
        public = rsa.RSAPublicNumbers(n["Exponent"], n["Modulus"])
        if "D" not in n:
            value.key = public.public_key()
            return
        if "P" not in n or "Q" not in n:
            n["P"], n["Q"] = rsa.rsa_recover_prime_factors(n["Modulus"], n["Exponent"], n["D"])
        p, q, d = n["P"], n["Q"], n["D"]
        value.key = rsa.RSAPrivateNumbers(
            p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
        ).private_key()
    except (KeyError, ValueError):
        raise failed() from None


def _from_xml(value: RsaValue, text: str | None) -> None:
    if text is None:
        raise argument_null("xmlString")
    if "<!" in text:
        raise failed("Input string does not contain a valid encoding of the 'RSA' parameter.")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314
    except ElementTree.ParseError:
        raise failed("Input string does not contain a valid encoding of the 'RSA' parameter.") from None
    _import(value, {element.tag: int.from_bytes(base64.b64decode(element.text or ""), "big") for element in root})


def _from_pem(value: RsaValue, text: str | None) -> None:
    raw = (text or "").encode()
    loaders = (
        lambda: serialization.load_pem_private_key(raw, None),
        lambda: serialization.load_pem_public_key(raw),
    )
    _load_any(value, loaders)


def _from_der(value: RsaValue, data: bytes, *_out: object) -> None:
    raw = bytes(data)
    loaders = (
        lambda: serialization.load_der_private_key(raw, None),
        lambda: serialization.load_der_public_key(raw),
    )
    _load_any(value, loaders)


def _load_any(value: RsaValue, loaders: tuple[Callable[[], object], ...]) -> None:
    for load in loaders:
        try:
            value.key = load()
        except (ValueError, TypeError):
            continue
        return
    raise failed("ASN1 corrupted data.")


define(f"{_C}.AsymmetricAlgorithm", {
    "int KeySize": (lambda value: value.public.key_size, lambda _value, _size: None),
}, parents=("IDisposable",))  # fmt: skip
RSA = define(f"{_C}.RSA", {
    "static RSA Create()": RsaValue,
    "byte[] Encrypt(byte[] data, RSAEncryptionPadding padding)": _encrypt,
    "byte[] Decrypt(byte[] data, RSAEncryptionPadding padding)": _decrypt,
    "byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding)": _sign,
    "byte[] SignHash(byte[] hash, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding)": _sign_hash,
    "bool VerifyData(byte[] data, byte[] signature, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding)":
        _verify,
    "bool VerifyHash(byte[] hash, byte[] signature, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding)":
        _verify_hash,
    "void ImportParameters(RSAParameters parameters)": _import_numbers,
    "void FromXmlString(string xmlString)": _from_xml,
    "void ImportFromPem(string input)": _from_pem,
    "void ImportPkcs8PrivateKey(byte[] source, out int bytesRead)": _from_der,
    "void ImportRSAPrivateKey(byte[] source, out int bytesRead)": _from_der,
    "void ImportRSAPublicKey(byte[] source, out int bytesRead)": _from_der,
    "void ImportSubjectPublicKeyInfo(byte[] source, out int bytesRead)": _from_der,
}, parents=("AsymmetricAlgorithm",))  # fmt: skip
define(f"{_C}.RSACryptoServiceProvider", {
    "new()": RsaValue,
    "byte[] Encrypt(byte[] rgb, bool fOAEP)": _encrypt,
    "byte[] Decrypt(byte[] rgb, bool fOAEP)": _decrypt,
    "byte[] SignData(byte[] buffer, object halg)": lambda value, data, name: _sign(
        value, data, name if isinstance(name, str) else name.name if isinstance(name, Hasher) else "SHA1"
    ),
}, parents=("RSA",))  # fmt: skip
represent(RsaValue, RSA)


class SymmetricValue:
    """``Aes``, ``TripleDES`` …: the settings from which a transform is made."""

    __slots__ = ("iv", "key", "mode", "name", "padding")

    def __init__(self, name: str) -> None:
        self.name = name
        self.key = os.urandom(32 if name == "AES" else 24)
        self.iv = os.urandom(16 if name == "AES" else 8)
        self.mode = EnumValue(MODE, 1)
        self.padding = EnumValue(PADDING, 2)

    def cipher(self) -> Cipher[Any]:
        """The cipher with these settings."""
        try:
            block_cipher = algorithms.AES(self.key) if self.name == "AES" else _triple_des(self.key)
            mode = modes.ECB() if self.mode.value == 2 else modes.CBC(self.iv)  # noqa: S305
            return Cipher(block_cipher, mode)
        except ValueError:
            raise failed("Specified key is not a valid size for this algorithm.") from None


def _triple_des(key: bytes) -> algorithms.AES:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES

    return TripleDES(key)  # type: ignore[return-value]


def _block(value: SymmetricValue) -> int:
    return 128 if value.name == "AES" else 64


def _pad(value: SymmetricValue, data: bytes) -> bytes:
    size = _block(value) // 8
    if value.padding.value == 3:
        return data + bytes(-len(data) % size)
    if value.padding.value == 1:
        return data
    padder = block_padding.PKCS7(size * 8).padder()
    return padder.update(data) + padder.finalize()


def _unpad(value: SymmetricValue, data: bytes) -> bytes:
    if value.padding.value in (1, 3):
        return data
    unpadder = block_padding.PKCS7(_block(value)).unpadder()
    try:
        return unpadder.update(data) + unpadder.finalize()
    except ValueError:
        raise failed("Padding is invalid and cannot be removed.") from None


def encrypt(value: SymmetricValue, data: bytes) -> bytearray:
    """The whole message encrypted."""
    encryptor = value.cipher().encryptor()
    return _guarded(lambda: encryptor.update(_pad(value, bytes(data))) + encryptor.finalize())


def decrypt(value: SymmetricValue, data: bytes) -> bytearray:
    """The whole message decrypted."""
    decryptor = value.cipher().decryptor()
    try:
        plain = decryptor.update(bytes(data)) + decryptor.finalize()
    except ValueError:
        raise failed("The input data is not a complete block.") from None
    return bytearray(_unpad(value, plain))


class Transform:
    """``ICryptoTransform``."""

    __slots__ = ("run",)

    def __init__(self, run: Callable[[bytes], bytearray]) -> None:
        self.run = run


def _with(value: SymmetricValue, key: object, iv: object) -> SymmetricValue:
    keyed = SymmetricValue(value.name)
    keyed.key = bytes(key) if key is not None else value.key  # type: ignore[call-overload]
    keyed.iv = bytes(iv) if iv is not None else value.iv  # type: ignore[call-overload]
    keyed.mode, keyed.padding = value.mode, value.padding
    return keyed


def _encryptor(value: SymmetricValue, key: object = None, iv: object = None) -> Transform:
    keyed = _with(value, key, iv)
    return Transform(lambda data: encrypt(keyed, data))


def _decryptor(value: SymmetricValue, key: object = None, iv: object = None) -> Transform:
    keyed = _with(value, key, iv)
    return Transform(lambda data: decrypt(keyed, data))


TRANSFORM = define(f"{_C}.ICryptoTransform", {
    "byte[] TransformFinalBlock(byte[] inputBuffer, int inputOffset, int inputCount)":
        lambda value, data, start, count: value.run(bytes(data)[start : start + count]),
}, kind="interface", parents=("IDisposable",))  # fmt: skip
represent(Transform, TRANSFORM)


def _set_key(value: SymmetricValue, key: Sequence[int]) -> None:
    value.key = bytes(key)


def _set_iv(value: SymmetricValue, iv: Sequence[int]) -> None:
    value.iv = bytes(iv)


SYMMETRIC = define(f"{_C}.SymmetricAlgorithm", {
    "byte[] Key": (lambda value: bytearray(value.key), _set_key),
    "byte[] IV": (lambda value: bytearray(value.iv), _set_iv),
    "CipherMode Mode": (lambda value: value.mode, lambda value, mode: setattr(value, "mode", mode)),
    "PaddingMode Padding": (lambda value: value.padding, lambda value, mode: setattr(value, "padding", mode)),
    "int KeySize": (lambda value: len(value.key) * 8, lambda value, size: setattr(value, "key", os.urandom(size // 8))),
    "int BlockSize": (_block, lambda _value, _size: None),
    "void GenerateKey()": lambda value: setattr(value, "key", os.urandom(len(value.key))),
    "void GenerateIV()": lambda value: setattr(value, "iv", os.urandom(len(value.iv))),
    "ICryptoTransform CreateEncryptor()": _encryptor,
    "ICryptoTransform CreateEncryptor(byte[] rgbKey, byte[] rgbIV)": _encryptor,
    "ICryptoTransform CreateDecryptor()": _decryptor,
    "ICryptoTransform CreateDecryptor(byte[] rgbKey, byte[] rgbIV)": _decryptor,
    "static SymmetricAlgorithm Create(string algName)": lambda name: _by_name(name),
}, parents=("IDisposable",))  # fmt: skip
AES = define(f"{_C}.Aes", {"static Aes Create()": lambda: SymmetricValue("AES")}, parents=("SymmetricAlgorithm",))
TRIPLE = define(f"{_C}.TripleDES", {"static TripleDES Create()": lambda: SymmetricValue("3DES")},
                parents=("SymmetricAlgorithm",))  # fmt: skip
for _name in ("AesManaged", "AesCryptoServiceProvider"):
    define(f"{_C}.{_name}", {"new()": lambda: SymmetricValue("AES")}, parents=("Aes",))
define(f"{_C}.RijndaelManaged", {"new()": lambda: SymmetricValue("AES")}, parents=("SymmetricAlgorithm",))
represent(SymmetricValue, lambda value: AES if value.name == "AES" else TRIPLE)


def _by_name(name: str | None) -> SymmetricValue:
    if (name or "").upper() in ("AES", "RIJNDAEL", "RIJNDAELMANAGED"):
        return SymmetricValue("AES")
    if (name or "").upper() in ("TRIPLEDES", "3DES", "DESEDE"):
        return SymmetricValue("3DES")
    raise failed(f"The algorithm {name} is not supported.")


def _named(run: Callable[[SymmetricValue, bytes], bytearray]) -> Callable[..., bytearray]:
    """``data.Encrypt(name, key, iv)`` or ``data.Encrypt(algorithm[, key, iv])``."""

    def apply(data: bytes, chosen: object, *keys: object) -> bytearray:
        value = chosen if isinstance(chosen, SymmetricValue) else _by_name(str(chosen))
        key, iv = keys if len(keys) == 2 else (None, None)
        return run(_with(value, key, iv), data)

    return apply


define("Microsoft.Azure.ApiManagement.CipherExtensions", {
    **{f"ext byte[] {name}(byte[] data, {head})": _named(run)
       for name, run in (("Encrypt", encrypt), ("Decrypt", decrypt))
       for head in ("string alg, byte[] key, byte[] iv", "SymmetricAlgorithm alg",
                    "SymmetricAlgorithm alg, byte[] key, byte[] iv")},
}, kind="static")  # fmt: skip
