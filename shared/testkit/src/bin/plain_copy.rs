//! The least that sending a file takes: `plain_copy ADDRESS TIMES` reads the file of the bench's stand-in from one
//! connection, takes its SHA-256, and writes it to another, so many times. `scripts/file_copy.py` compares the worker with
//! it.

use std::{
    io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write},
    net::TcpStream,
};

use ring::digest::{Context, SHA256};

/// As much as is read at once.
const PIECE_BYTES: usize = 64 * 1024;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(times)) = (arguments.next(), arguments.next()) else {
        return Err(Error::new(ErrorKind::InvalidInput, "usage: plain_copy ADDRESS TIMES"));
    };
    let times: u32 = times.parse().map_err(|error| Error::new(ErrorKind::InvalidInput, error))?;
    (0..times).try_for_each(|_| copy(&address))
}

/// Copies the file once.
fn copy(address: &str) -> Result<()> {
    let mut source = TcpStream::connect(address)?;
    write!(source, "GET /uploads/file HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut source = BufReader::with_capacity(PIECE_BYTES, source);
    let mut left = head(&mut source)?;
    let mut target = TcpStream::connect(address)?;
    write!(target, "POST /services/upload/ HTTP/1.1\r\nHost: {address}\r\nContent-Length: {left}\r\n\r\n")?;
    let (mut hash, mut piece) = (Context::new(&SHA256), vec![0; PIECE_BYTES]);
    while left > 0 {
        let read = source.read(&mut piece)?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        hash.update(&piece[..read]);
        target.write_all(&piece[..read])?;
        left = left.saturating_sub(read as u64);
    }
    std::hint::black_box(hash.finish());
    head(&mut BufReader::new(target)).map(|_| ())
}

/// Reads the head of an answer: how long its body is.
fn head(answer: &mut impl BufRead) -> Result<u64> {
    let mut length = None;
    for line in answer.lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.parse().ok();
        }
    }
    length.ok_or_else(|| ErrorKind::InvalidData.into())
}
