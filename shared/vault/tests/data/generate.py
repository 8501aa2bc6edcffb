"""Makes encryption_sdk.json: messages by the Python package aws-encryption-sdk, with known data keys.

The messages look as if KMS had given the data keys, so no KMS is needed to make them or to read
them. Run it with the packages of tests/interop/requirements.txt; every run gives other bytes:

    python generate.py > encryption_sdk.json
"""

import base64
import json
import os

import aws_encryption_sdk
from aws_encryption_sdk.identifiers import AlgorithmSuite, CommitmentPolicy
from aws_encryption_sdk.key_providers.base import MasterKey, MasterKeyConfig
from aws_encryption_sdk.structures import DataKey, MasterKeyInfo

KEY_ARN = "arn:aws:kms:us-east-1:000000000000:key/0c6e2a48-8d5f-4b1c-9a53-1f2a7e6f9d10"
CONTEXT = {"purpose": "user-token", "record": "account-ü@N01", "tenant": "tenant-1"}


class KnownKeyConfig(MasterKeyConfig):
    provider_id = "aws-kms"


class KnownKey(MasterKey):
    """A master key that hands out one known data key, and remembers both of its forms."""

    provider_id = "aws-kms"
    _config_class = KnownKeyConfig

    def _generate_data_key(self, algorithm, encryption_context):
        assert encryption_context == CONTEXT
        self.data_key = os.urandom(algorithm.kdf_input_len)
        self.encrypted = b"encrypted:" + os.urandom(32)
        return DataKey(
            key_provider=MasterKeyInfo(provider_id=self.provider_id, key_info=self.key_id),
            data_key=self.data_key,
            encrypted_data_key=self.encrypted,
        )

    def _encrypt_data_key(self, data_key, algorithm, encryption_context):
        raise NotImplementedError

    def _decrypt_data_key(self, encrypted_data_key, algorithm, encryption_context):
        raise NotImplementedError


def text(data):
    return base64.b64encode(data).decode()


def vector(name, plaintext, frame_length):
    key = KnownKey(key_id=KEY_ARN.encode())
    client = aws_encryption_sdk.EncryptionSDKClient(
        commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT
    )
    message, _header = client.encrypt(
        source=plaintext,
        key_provider=key,
        encryption_context=CONTEXT,
        frame_length=frame_length,
        algorithm=AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
    )
    return {
        "name": name,
        "data_key": text(key.data_key),
        "encrypted_data_key": text(key.encrypted),
        "plaintext": text(plaintext),
        "message": text(message),
    }


def main():
    vectors = [
        vector("one frame", b'{"token":"72157-abc","secret":"5e1f"}', 4096),
        vector("empty", b"", 4096),
        vector("several frames", bytes(range(256)) * 40, 4096),
        vector("exactly one frame", b"x" * 128, 128),
        vector("small frames", bytes(range(200)) * 2, 128),
        vector("unframed", b"refused", 0),
    ]
    document = {"key_arn": KEY_ARN, "context": CONTEXT, "vectors": vectors}
    print(json.dumps(document, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
