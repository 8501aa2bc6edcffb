"""Encrypts and decrypts FlickrHub's secrets with AWS's own package `aws-encryption-sdk`.

Proof that a stored secret is an ordinary AWS Encryption SDK message, and a way to recover one
without FlickrHub. Messages go in and out as base64, secrets as they are:

    encryption_sdk.py decrypt --key ARN --context tenant=T record=R purpose=P < message > secret
    encryption_sdk.py encrypt --key ARN --context tenant=T record=R purpose=P < secret > message

Credentials, region and `AWS_ENDPOINT_URL` are read from the environment as by any AWS tool. The
exit code is 1, with the reason on standard error, if the message does not open or was sealed for
another context. `encrypt` takes `--frame-length` (bytes, a multiple of 128).
"""

import argparse
import base64
import logging
import sys

import aws_encryption_sdk
from aws_encryption_sdk import CommitmentPolicy, StrictAwsKmsMasterKeyProvider
from aws_encryption_sdk.identifiers import AlgorithmSuite

SUITE = AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY


def pair(text):
    """A `name=value` argument."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not name=value")
    return name, value


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=["encrypt", "decrypt"])
    parser.add_argument("--key", required=True, help="the ARN of the KMS key")
    parser.add_argument("--context", required=True, nargs="+", type=pair, metavar="NAME=VALUE")
    parser.add_argument("--frame-length", type=int, default=4096)
    return parser.parse_args()


def encrypt(client, keys, secret, context, frame_length):
    message, _header = client.encrypt(
        source=secret,
        key_provider=keys,
        encryption_context=context,
        algorithm=SUITE,
        frame_length=frame_length,
    )
    return message


def decrypt(client, keys, message, context):
    secret, header = client.decrypt(source=message, key_provider=keys)
    if header.encryption_context != context:
        raise ValueError(f"the message was sealed for {header.encryption_context}")
    if header.algorithm is not SUITE:
        raise ValueError(f"the message is of suite {header.algorithm.name}")
    return secret


def main():
    args = arguments()
    logging.disable()  # the package logs tracebacks of errors that it also raises
    context = dict(args.context)
    client = aws_encryption_sdk.EncryptionSDKClient(
        commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
        max_encrypted_data_keys=1,
    )
    keys = StrictAwsKmsMasterKeyProvider(key_ids=[args.key])
    given = sys.stdin.buffer.read()
    if args.action == "encrypt":
        message = encrypt(client, keys, given, context, args.frame_length)
        print(base64.b64encode(message).decode())
    else:
        message = base64.b64decode(given)
        sys.stdout.buffer.write(decrypt(client, keys, message, context))


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # noqa: BLE001: the caller wants one line and an exit code
        sys.exit(f"{type(error).__name__}: {error}")
