//! Heads of requests that are too long, answered so that a page can read why.
//!
//! In: the stream of a connection. Out: the same, but the bare 414 or 431 that the HTTP library writes by itself, before any
//! route is asked, becomes one with a reason and with CORS: JavaScript learns of a token that is too long only there.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What the library's own answers begin with, and what is said instead.
const ANSWERS: [(&[u8], &str); 2] =
    [(b"HTTP/1.1 414 ", "414 URI Too Long"), (b"HTTP/1.1 431 ", "431 Request Header Fields Too Large")];

/// The reason, for a developer.
const REASON: &str = "the address and the headers of a request may have 64 KiB together; is that token so long? \
    Metadata and attributes need not be in it: set them after the join\n";

/// A stream whose too bare answers are explained.
pub(crate) struct Explained<S> {
    stream: S,
    /// What is written instead, and how much of it has left.
    instead: Option<(Vec<u8>, usize)>,
}

impl<S> Explained<S> {
    pub(crate) const fn new(stream: S) -> Self {
        Self { stream, instead: None }
    }
}

/// The answer instead of `head`, if that is one of the library's own: a whole head without a body.
fn instead_of(head: &[u8]) -> Option<Vec<u8>> {
    let (_, status) = ANSWERS.iter().find(|(prefix, _)| head.starts_with(prefix))?;
    let is_bare = head.ends_with(b"\r\n\r\n") && head.windows(19).any(|part| part == b"content-length: 0\r\n");
    is_bare.then(|| {
        format!(
            "HTTP/1.1 {status}\r\naccess-control-allow-origin: *\r\ncontent-type: text/plain; charset=utf-8\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{REASON}",
            REASON.len()
        )
        .into_bytes()
    })
}

impl<S: AsyncWrite + Unpin> Explained<S> {
    /// Writes what is left of the answer instead.
    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((bytes, done)) = &mut self.instead {
            let Some(rest) = bytes.get(*done..).filter(|rest| !rest.is_empty()) else {
                self.instead = None;
                break;
            };
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => *done += written,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Explained<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Explained<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_instead(cx))?;
        if let Some(answer) = instead_of(buf) {
            self.instead = Some((answer, 0));
            return Poll::Ready(Ok(buf.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_instead(cx))?;
        if let Some((first, answer)) = bufs.first().and_then(|first| Some((first.len(), instead_of(first)?))) {
            self.instead = Some((answer, 0));
            return Poll::Ready(Ok(first));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    async fn through(head: &str) -> String {
        let (near, mut far) = tokio::io::duplex(7);
        let mut stream = Explained::new(near);
        let reader = tokio::spawn(async move {
            let mut text = String::new();
            tokio::io::AsyncReadExt::read_to_string(&mut far, &mut text).await.map(|_| text)
        });
        stream.write_all(head.as_bytes()).await.expect("written");
        stream.shutdown().await.expect("closed");
        drop(stream);
        reader.await.expect("no panic").expect("text")
    }

    #[tokio::test]
    async fn only_the_librarys_own_answers_are_explained() {
        let bare = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let answer = through(bare).await;
        assert!(answer.starts_with("HTTP/1.1 431 ") && answer.contains("access-control-allow-origin: *\r\n"));
        assert!(answer.ends_with(REASON), "{answer}");
        for other in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 431 X\r\ncontent-length: 4\r\n\r\nbody",
            "a body that tells of HTTP/1.1 431 \r\n\r\n",
        ] {
            assert_eq!(through(other).await, other);
        }
    }
}
