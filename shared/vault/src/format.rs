//! The bytes of a message: AWS Encryption SDK message format, version 2, framed, suite 0x0478.
//!
//! Pure: it reads and writes structure and knows no key. Everything read borrows from the input,
//! and nothing is reserved by a length the input claims. A message that parses is complete: its
//! frames are in sequence and nothing follows them. Integers are big-endian.
//!
//! Source of each rule: AWS Encryption SDK specification, `data-format/message-header.md` (version
//! 2.0) and `data-format/message-body.md` (framed data); checked against messages made by the
//! Python package `aws-encryption-sdk`.

use crate::error::Error;

/// The longest message that is read, in bytes: the longest secret in frames of 32 bytes or more.
pub const MAX_MESSAGE_BYTES: usize = 128 * 1024;
/// The longest secret, in bytes, that is sealed or opened.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;
/// The most encrypted data keys that a message read may have. One is written.
const MAX_DATA_KEYS: u16 = 3;

/// AES-256-GCM, HKDF-SHA-512, key commitment, no signature.
pub(crate) const SUITE_ID: u16 = 0x0478;
pub(crate) const MESSAGE_ID_LEN: usize = 32;
pub(crate) const COMMITMENT_LEN: usize = 32;
pub(crate) const IV_LEN: usize = 12;
pub(crate) const TAG_LEN: usize = 16;
/// The length of all frames written but the last, in bytes: the default of AWS's own SDKs.
pub(crate) const FRAME_LENGTH: u32 = 4096;
/// The IV of the header's tag.
pub(crate) const HEADER_IV: [u8; IV_LEN] = [0; IV_LEN];

const VERSION: u8 = 2;
const CONTENT_FRAMED: u8 = 2;
/// Stands before the sequence number of the final frame.
const FINAL_FRAME: u32 = u32::MAX;

/// A whole message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    pub header: Header<'a>,
    /// The header as it was read: the data that its tag authenticates.
    pub header_bytes: &'a [u8],
    pub header_tag: &'a [u8; TAG_LEN],
    /// In sequence from 1; the last one is final.
    pub frames: Vec<Frame<'a>>,
}

/// What stands before the tag of the header.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    pub message_id: &'a [u8; MESSAGE_ID_LEN],
    /// The encryption context in its own format, see `context`.
    pub context: &'a [u8],
    pub data_keys: Vec<KeyEntry<'a>>,
    pub frame_length: u32,
    pub commitment: &'a [u8; COMMITMENT_LEN],
}

/// An encrypted data key, of whatever provider.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyEntry<'a> {
    pub provider: &'a [u8],
    pub info: &'a [u8],
    pub ciphertext: &'a [u8],
}

/// A piece of the encrypted secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub sequence: u32,
    pub is_final: bool,
    /// The ciphertext, then its tag.
    pub sealed: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a whole message of at most [`MAX_MESSAGE_BYTES`].
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(Error::Unsupported { what: "message length" });
        }
        let mut cursor = Cursor(bytes);
        let header = Header::read(&mut cursor)?;
        let header_bytes = &bytes[..bytes.len() - cursor.0.len()];
        let header_tag = cursor.array()?;
        let frames = read_frames(&mut cursor, header.frame_length)?;
        if !cursor.0.is_empty() {
            return Err(Error::Malformed { what: "bytes follow the final frame" });
        }
        Ok(Self { header, header_bytes, header_tag, frames })
    }

    /// The secret's length in bytes.
    pub(crate) fn content_len(&self) -> usize {
        self.frames.iter().map(Frame::content_len).sum()
    }
}

impl<'a> Header<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Error> {
        cursor.expect([VERSION], "version")?;
        cursor.expect(SUITE_ID.to_be_bytes(), "algorithm suite")?;
        let message_id = cursor.array()?;
        let context = cursor.field()?;
        let data_keys = read_data_keys(cursor)?;
        cursor.expect([CONTENT_FRAMED], "content type")?;
        let frame_length = cursor.u32()?;
        if frame_length == 0 {
            return Err(Error::Malformed { what: "frame length of zero" });
        }
        let commitment = cursor.array()?;
        Ok(Self { message_id, context, data_keys, frame_length, commitment })
    }

    /// The header's bytes, which its tag authenticates.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut out = vec![VERSION];
        out.extend(SUITE_ID.to_be_bytes());
        out.extend(self.message_id);
        write_field(&mut out, self.context, "encryption context")?;
        out.extend(length(self.data_keys.len(), "data keys")?);
        for key in &self.data_keys {
            write_field(&mut out, key.provider, "key provider")?;
            write_field(&mut out, key.info, "key provider information")?;
            write_field(&mut out, key.ciphertext, "encrypted data key")?;
        }
        out.push(CONTENT_FRAMED);
        out.extend(self.frame_length.to_be_bytes());
        out.extend(self.commitment);
        Ok(out)
    }
}

impl<'a> Frame<'a> {
    /// One frame; `frame_length` is the header's, `sequence` the number due.
    fn read(cursor: &mut Cursor<'a>, frame_length: u32, sequence: u32) -> Result<Self, Error> {
        let mut number = cursor.u32()?;
        let is_final = number == FINAL_FRAME;
        if is_final {
            number = cursor.u32()?;
        }
        if number != sequence {
            return Err(Error::Malformed { what: "frame out of sequence" });
        }
        if *cursor.array()? != iv(sequence) {
            return Err(Error::Malformed { what: "frame IV" });
        }
        let content_len = if is_final { cursor.u32()? } else { frame_length };
        if content_len > frame_length {
            return Err(Error::Malformed { what: "final frame longer than the frame length" });
        }
        let sealed = cursor.take(content_len as usize + TAG_LEN)?;
        Ok(Self { sequence, is_final, sealed })
    }

    /// Appends the frame to `out`.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        if self.is_final {
            out.extend(FINAL_FRAME.to_be_bytes());
        }
        out.extend(self.sequence.to_be_bytes());
        out.extend(iv(self.sequence));
        if self.is_final {
            out.extend((self.content_len() as u32).to_be_bytes());
        }
        out.extend(self.sealed);
    }

    /// The length of its content in clear, in bytes.
    pub(crate) fn content_len(&self) -> usize {
        self.sealed.len() - TAG_LEN
    }
}

/// The IV of a frame: its sequence number in 12 bytes.
pub(crate) fn iv(sequence: u32) -> [u8; IV_LEN] {
    let mut iv = [0; IV_LEN];
    iv[IV_LEN - 4..].copy_from_slice(&sequence.to_be_bytes());
    iv
}

/// What a frame's tag authenticates beside the content: the message, the kind and number of the
/// frame, and its content's length.
pub(crate) fn frame_aad(
    message_id: &[u8; MESSAGE_ID_LEN],
    sequence: u32,
    is_final: bool,
    content_len: usize,
) -> Vec<u8> {
    let kind: &[u8] = if is_final { b"AWSKMSEncryptionClient Final Frame" } else { b"AWSKMSEncryptionClient Frame" };
    let mut aad = message_id.to_vec();
    aad.extend(kind);
    aad.extend(sequence.to_be_bytes());
    aad.extend((content_len as u64).to_be_bytes());
    aad
}

fn read_data_keys<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<KeyEntry<'a>>, Error> {
    let count = u16::from_be_bytes(*cursor.array()?);
    if count == 0 {
        return Err(Error::Malformed { what: "no data key" });
    }
    if count > MAX_DATA_KEYS {
        return Err(Error::Unsupported { what: "number of data keys" });
    }
    (0..count)
        .map(|_| Ok(KeyEntry { provider: cursor.field()?, info: cursor.field()?, ciphertext: cursor.field()? }))
        .collect()
}

/// The frames up to the final one. Each takes at least 32 bytes of input, so their number is
/// bounded by the message's length.
fn read_frames<'a>(cursor: &mut Cursor<'a>, frame_length: u32) -> Result<Vec<Frame<'a>>, Error> {
    let mut frames = Vec::new();
    let mut content_len = 0;
    for sequence in 1..FINAL_FRAME {
        let frame = Frame::read(cursor, frame_length, sequence)?;
        content_len += frame.content_len();
        if content_len > MAX_SECRET_BYTES {
            return Err(Error::Unsupported { what: "secret length" });
        }
        let is_final = frame.is_final;
        frames.push(frame);
        if is_final {
            break;
        }
    }
    Ok(frames)
}

fn write_field(out: &mut Vec<u8>, bytes: &[u8], what: &'static str) -> Result<(), Error> {
    out.extend(length(bytes.len(), what)?);
    out.extend(bytes);
    Ok(())
}

fn length(len: usize, what: &'static str) -> Result<[u8; 2], Error> {
    let len = u16::try_from(len).map_err(|_| Error::TooLong { what })?;
    Ok(len.to_be_bytes())
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    const CUT_SHORT: Error = Error::Malformed { what: "cut short" };

    fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Self::CUT_SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Error> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Self::CUT_SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_be_bytes(*self.array()?))
    }

    /// Bytes after their 16-bit length.
    fn field(&mut self) -> Result<&'a [u8], Error> {
        let len = u16::from_be_bytes(*self.array()?);
        self.take(len.into())
    }

    fn expect<const N: usize>(&mut self, expected: [u8; N], what: &'static str) -> Result<(), Error> {
        if *self.array()? == expected { Ok(()) } else { Err(Error::Unsupported { what }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; MESSAGE_ID_LEN] = [0xa1; MESSAGE_ID_LEN];
    const COMMITMENT: [u8; COMMITMENT_LEN] = [0xc0; COMMITMENT_LEN];
    const HEADER_TAG: [u8; TAG_LEN] = [0x7a; TAG_LEN];

    fn header(frame_length: u32) -> Header<'static> {
        Header {
            message_id: &ID,
            context: b"\x00\x01\x00\x01k\x00\x01v",
            data_keys: vec![KeyEntry { provider: b"aws-kms", info: b"arn", ciphertext: b"blob" }],
            frame_length,
            commitment: &COMMITMENT,
        }
    }

    /// A message with these frames: sequence number, whether final, content.
    fn message(header: &Header<'_>, frames: &[(u32, bool, &[u8])]) -> Vec<u8> {
        let mut bytes = header.to_bytes().unwrap();
        bytes.extend(HEADER_TAG);
        for &(sequence, is_final, content) in frames {
            let sealed = [content, &[0x1a; TAG_LEN]].concat();
            Frame { sequence, is_final, sealed: &sealed }.write(&mut bytes);
        }
        bytes
    }

    fn refusal(bytes: &[u8]) -> &'static str {
        match Message::parse(bytes) {
            Err(Error::Malformed { what } | Error::Unsupported { what }) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_message_has_the_documented_layout() {
        let bytes = message(&header(4096), &[(1, true, b"hi")]);
        let expected = [
            b"\x02\x04\x78".as_slice(),
            &ID,
            b"\x00\x08\x00\x01\x00\x01k\x00\x01v",
            b"\x00\x01\x00\x07aws-kms\x00\x03arn\x00\x04blob",
            b"\x02\x00\x00\x10\x00",
            &COMMITMENT,
            &HEADER_TAG,
            b"\xff\xff\xff\xff\x00\x00\x00\x01",
            b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
            b"\x00\x00\x00\x02hi",
            &[0x1a; TAG_LEN],
        ]
        .concat();
        assert_eq!(bytes, expected);
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = message(&header(2), &[(1, false, b"ab"), (2, true, b"c")]);
        let parsed = Message::parse(&bytes).unwrap();
        assert_eq!(parsed.header, header(2));
        assert_eq!(parsed.header_bytes, header(2).to_bytes().unwrap());
        assert_eq!(parsed.header_tag, &HEADER_TAG);
        assert_eq!(parsed.content_len(), 3);
        let frames: Vec<_> =
            parsed.frames.iter().map(|frame| (frame.sequence, frame.is_final, frame.content_len())).collect();
        assert_eq!(frames, [(1, false, 2), (2, true, 1)]);
    }

    #[test]
    fn an_empty_or_a_full_final_frame_is_valid() {
        for last in [b"".as_slice(), b"cd"] {
            let bytes = message(&header(2), &[(1, false, b"ab"), (2, true, last)]);
            let parsed = Message::parse(&bytes).unwrap();
            assert_eq!(parsed.content_len(), 2 + last.len());
        }
    }

    #[test]
    fn frames_must_be_numbered_from_one_without_a_gap() {
        for frames in [
            [(0, false, b"ab".as_slice()), (1, true, b"c")],
            [(1, false, b"ab"), (1, true, b"c")],
            [(1, false, b"ab"), (3, true, b"c")],
            [(2, false, b"ab"), (1, true, b"c")],
        ] {
            let bytes = message(&header(2), &frames);
            assert_eq!(refusal(&bytes), "frame out of sequence");
        }
    }

    #[test]
    fn a_frame_iv_must_be_the_sequence_number() {
        let mut bytes = message(&header(2), &[(1, true, b"")]);
        let iv_end = bytes.len() - TAG_LEN - 4;
        bytes[iv_end - 1] = 2;
        assert_eq!(refusal(&bytes), "frame IV");
    }

    #[test]
    fn the_final_frame_is_the_last_and_must_be_there() {
        let trailing = message(&header(2), &[(1, true, b"a"), (2, true, b"b")]);
        assert_eq!(refusal(&trailing), "bytes follow the final frame");
        let unfinished = message(&header(2), &[(1, false, b"ab")]);
        assert_eq!(refusal(&unfinished), "cut short");
    }

    #[test]
    fn a_final_frame_is_no_longer_than_the_frame_length() {
        let bytes = message(&header(2), &[(1, true, b"abc")]);
        let what = refusal(&bytes);
        assert_eq!(what, "final frame longer than the frame length");
    }

    #[test]
    fn a_claimed_length_reserves_nothing() {
        let bytes = message(&header(u32::MAX), &[(1, false, b"short")]);
        assert_eq!(refusal(&bytes), "cut short");
    }

    #[test]
    fn sizes_are_bounded() {
        let longest = vec![0; MAX_SECRET_BYTES];
        let bytes = message(&header(u32::MAX), &[(1, true, &longest)]);
        assert!(Message::parse(&bytes).is_ok());
        let longer = vec![0; MAX_SECRET_BYTES + 1];
        let bytes = message(&header(u32::MAX), &[(1, true, &longer)]);
        assert_eq!(refusal(&bytes), "secret length");
        assert_eq!(refusal(&vec![2; MAX_MESSAGE_BYTES + 1]), "message length");
    }

    #[test]
    fn only_this_kind_of_message_is_read() {
        let good = message(&header(2), &[(1, true, b"a")]);
        let content_type_at = header(2).to_bytes().unwrap().len() - COMMITMENT_LEN - 5;
        for (at, value, what) in [
            (0, 1, "version"),
            (1, 5, "algorithm suite"),
            (2, 0x79, "algorithm suite"),
            (content_type_at, 1, "content type"),
        ] {
            let mut bytes = good.clone();
            bytes[at] = value;
            assert_eq!(refusal(&bytes), what);
        }
        assert_eq!(refusal(&message(&header(0), &[])), "frame length of zero");
    }

    #[test]
    fn the_number_of_data_keys_is_bounded() {
        for (count, what) in [(0, "no data key"), (4, "number of data keys")] {
            let mut header = header(2);
            header.data_keys =
                (0..count).map(|_| KeyEntry { provider: b"aws-kms", info: b"arn", ciphertext: b"blob" }).collect();
            assert_eq!(refusal(&message(&header, &[(1, true, b"")])), what);
        }
    }

    #[test]
    fn a_field_too_long_for_its_length_is_not_written() {
        let long = vec![0; usize::from(u16::MAX) + 1];
        let mut header = header(2);
        header.data_keys[0].ciphertext = &long;
        assert!(matches!(header.to_bytes(), Err(Error::TooLong { what: "encrypted data key" })));
    }
}
