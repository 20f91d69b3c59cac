//! What a client has sent.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// One command of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    words: Vec<String>,
}

impl Command {
    /// Its name in upper case.
    pub fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// Its name and its arguments; bytes that are no text are replaced.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// An argument, from 1; empty where there is none.
    pub fn argument(&self, place: usize) -> &str {
        self.words.get(place).map_or("", String::as_str)
    }

    /// Reads the next one; `None` at the end of the connection.
    pub(super) async fn read(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Self>> {
        let Some(count) = number(stream, b'*').await? else {
            return Ok(None);
        };
        let mut words = Vec::new();
        for _ in 0..count {
            let length = number(stream, b'$').await?.unwrap_or_default();
            let mut word = vec![0; length + 2];
            stream.read_exact(&mut word).await?;
            word.truncate(length);
            words.push(String::from_utf8_lossy(&word).into_owned());
        }
        if let Some(name) = words.first_mut() {
            name.make_ascii_uppercase();
        }
        Ok(Some(Self { words }))
    }
}

async fn number(stream: &mut (impl AsyncBufRead + Unpin), mark: u8) -> io::Result<Option<usize>> {
    let mut line = Vec::new();
    if stream.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    let text = match line.split_first() {
        Some((first, rest)) if *first == mark => String::from_utf8_lossy(rest),
        _ => return Err(io::ErrorKind::InvalidData.into()),
    };
    text.trim_end().parse().map(Some).map_err(io::Error::other)
}
