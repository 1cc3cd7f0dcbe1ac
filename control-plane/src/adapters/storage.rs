//! Where files' bytes are kept: a folder, or an S3 bucket.
//!
//! In: keys the server made, bytes in pieces. Out: bytes, whole or a range. Nothing here holds a whole file in memory,
//! and an upload that does not end well leaves nothing behind.

use std::error::Error as _;
use std::io;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use http::Method;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{GetOptions, GetRange, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayloadMut, RetryConfig};
use url::Url;

use crate::config::StorageKey;

/// Folder in the data directory that holds files unless a storage is named.
const LOCAL_FOLDER: &str = "files";
/// Bytes sent to S3 at once: the least it takes for any part but the last.
const S3_PART_BYTES: usize = 5 << 20;
/// Bytes written to a folder at once.
const LOCAL_PART_BYTES: usize = 256 << 10;
/// How long S3 is tried before a request fails.
const S3_RETRY: Duration = Duration::from_secs(10);
/// The region of servers that do not care.
const DEFAULT_REGION: &str = "us-east-1";

/// Why bytes cannot be kept or had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    #[error("the storage is full")]
    Full,
    #[error("there is no such object")]
    NotFound,
    #[error("the storage failed: {0}")]
    Failed(#[source] object_store::Error),
    #[error("the storage failed: {0}")]
    Io(#[source] io::Error),
}

impl From<object_store::Error> for StorageError {
    fn from(error: object_store::Error) -> Self {
        if let object_store::Error::NotFound { .. } = error {
            return Self::NotFound;
        }
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(io) = cause.downcast_ref::<io::Error>()
                && is_full(io)
            {
                return Self::Full;
            }
            source = cause.source();
        }
        Self::Failed(error)
    }
}

impl From<io::Error> for StorageError {
    fn from(error: io::Error) -> Self {
        if is_full(&error) { Self::Full } else { Self::Io(error) }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Why there is no storage.
#[derive(Debug, thiserror::Error)]
pub enum StorageOpenError {
    /// The address is none that we know.
    #[error("{0:?} is neither file:///folder nor s3://bucket/prefix")]
    Address(String),
    /// The folder cannot be made or used.
    #[error("the folder {0} cannot be used: {1}")]
    Folder(PathBuf, #[source] io::Error),
    /// The store cannot be set up.
    #[error("the storage cannot be set up: {0}")]
    Store(#[source] object_store::Error),
}

/// The bytes of an object, in pieces.
pub(crate) type Pieces = BoxStream<'static, Result<Bytes, StorageError>>;

/// A place for bytes.
#[derive(Clone)]
pub(crate) struct Storage {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    part_bytes: usize,
    place: Place,
}

#[derive(Clone)]
enum Place {
    Folder(PathBuf),
    S3(Arc<AmazonS3>),
}

impl Storage {
    /// Opens the store at `url`, or the folder in the data directory.
    ///
    /// # Errors
    /// See [`StorageOpenError`].
    pub(crate) fn open(
        url: Option<&str>,
        key: Option<&StorageKey>,
        data_dir: &FilePath,
    ) -> Result<Self, StorageOpenError> {
        let Some(text) = url else { return Self::folder(data_dir.join(LOCAL_FOLDER)) };
        let bad = || StorageOpenError::Address(text.to_owned());
        let url = Url::parse(text).map_err(|_| bad())?;
        match url.scheme() {
            "file" => Self::folder(url.to_file_path().map_err(|()| bad())?),
            "s3" => Self::s3(&url, key).ok_or_else(bad)?,
            _ => Err(bad()),
        }
    }

    fn folder(root: PathBuf) -> Result<Self, StorageOpenError> {
        let failed = |error| StorageOpenError::Folder(root.clone(), error);
        std::fs::create_dir_all(&root).map_err(failed)?;
        let root = root.canonicalize().map_err(failed)?;
        let store = LocalFileSystem::new_with_prefix(&root).map_err(StorageOpenError::Store)?;
        Ok(Self {
            store: Arc::new(store.with_automatic_cleanup(true)),
            prefix: Path::default(),
            part_bytes: LOCAL_PART_BYTES,
            place: Place::Folder(root),
        })
    }

    fn s3(url: &Url, key: Option<&StorageKey>) -> Option<Result<Self, StorageOpenError>> {
        let bucket = url.host_str()?;
        let mut builder = AmazonS3Builder::new().with_bucket_name(bucket).with_region(DEFAULT_REGION);
        for (name, value) in url.query_pairs() {
            builder = match name.as_ref() {
                "endpoint" => builder.with_allow_http(value.starts_with("http://")).with_endpoint(value),
                "region" => builder.with_region(value),
                _ => return None,
            };
        }
        if let Some(key) = key {
            builder = builder.with_access_key_id(&key.id).with_secret_access_key(&key.secret);
        }
        let retry = RetryConfig { retry_timeout: S3_RETRY, max_retries: 3, ..RetryConfig::default() };
        Some(builder.with_retry(retry).build().map_err(StorageOpenError::Store).map(|store| {
            let store = Arc::new(store);
            Self {
                store: Arc::<AmazonS3>::clone(&store),
                prefix: Path::from(url.path()),
                part_bytes: S3_PART_BYTES,
                place: Place::S3(store),
            }
        }))
    }

    fn path(&self, key: &str) -> Path {
        Path::from_iter(self.prefix.parts().chain(Path::from(key).parts()))
    }

    /// Begins to write an object; it appears as a whole once finished.
    pub(crate) async fn begin(&self, key: &str) -> Result<Upload, StorageError> {
        let inner = self.store.put_multipart(&self.path(key)).await?;
        Ok(Upload { inner, waiting: PutPayloadMut::new(), part_bytes: self.part_bytes })
    }

    /// Reads an object, or a range of it.
    pub(crate) async fn read(&self, key: &str, range: Option<Range<u64>>) -> Result<Pieces, StorageError> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let found = self.store.get_opts(&self.path(key), options).await?;
        Ok(found.into_stream().map_err(StorageError::from).boxed())
    }

    /// Bytes of an object.
    pub(crate) async fn size(&self, key: &str) -> Result<u64, StorageError> {
        Ok(self.store.head(&self.path(key)).await?.size)
    }

    /// Copies an object inside the store.
    pub(crate) async fn copy(&self, from: &str, to: &str) -> Result<(), StorageError> {
        Ok(self.store.copy(&self.path(from), &self.path(to)).await?)
    }

    /// Deletes one object; one that is gone already is fine.
    pub(crate) async fn delete(&self, key: &str) -> Result<(), StorageError> {
        match self.store.delete(&self.path(key)).await.map_err(StorageError::from) {
            Err(StorageError::NotFound) => Ok(()),
            other => other,
        }
    }

    /// Deletes everything below `folder`, half-written objects of processes that died included.
    pub(crate) async fn delete_all(&self, folder: &str) -> Result<(), StorageError> {
        match &self.place {
            Place::Folder(root) => match tokio::fs::remove_dir_all(root.join(folder)).await {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                other => Ok(other?),
            },
            Place::S3(_) => {
                let found: Vec<_> = self.store.list(Some(&self.path(folder))).try_collect().await?;
                for object in found {
                    self.store.delete(&object.location).await?;
                }
                Ok(())
            }
        }
    }

    /// An address to which somebody without our key may write exactly this object, for a while; `None` where the store
    /// has no such thing. How much they write is seen afterwards: the length is not theirs to sign.
    pub(crate) async fn upload_url(&self, key: &str, valid_for: Duration) -> Result<Option<Url>, StorageError> {
        let Place::S3(store) = &self.place else { return Ok(None) };
        Ok(Some(store.signed_url(Method::PUT, &self.path(key), valid_for).await?))
    }
}

/// An object being written.
pub(crate) struct Upload {
    inner: Box<dyn MultipartUpload>,
    waiting: PutPayloadMut,
    part_bytes: usize,
}

impl Upload {
    /// Adds bytes; waits while the store is slower than the sender.
    pub(crate) async fn write(&mut self, mut bytes: Bytes) -> Result<(), StorageError> {
        while !bytes.is_empty() {
            let room = self.part_bytes - self.waiting.content_length();
            self.waiting.push(bytes.split_to(room.min(bytes.len())));
            if self.waiting.content_length() == self.part_bytes {
                let part = std::mem::take(&mut self.waiting).freeze();
                self.inner.put_part(part).await?;
            }
        }
        Ok(())
    }

    /// Makes the object appear.
    pub(crate) async fn finish(mut self) -> Result<(), StorageError> {
        let result = self.complete().await;
        if result.is_err() {
            self.abort().await;
        }
        result
    }

    async fn complete(&mut self) -> Result<(), StorageError> {
        if !self.waiting.is_empty() {
            let part = std::mem::take(&mut self.waiting).freeze();
            self.inner.put_part(part).await?;
        }
        self.inner.complete().await?;
        Ok(())
    }

    /// Leaves nothing behind.
    pub(crate) async fn abort(mut self) {
        if let Err(error) = self.inner.abort().await {
            tracing::warn!(%error, "a half-written object could not be deleted");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (PathBuf, Storage) {
        let dir = std::env::temp_dir().join(format!("plenum-storage-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir_all(&dir).unwrap();
        let storage = Storage::open(None, None, &dir).unwrap();
        (dir, storage)
    }

    async fn all(pieces: Pieces) -> Vec<u8> {
        pieces
            .try_fold(Vec::new(), |mut all, piece| async move {
                all.extend_from_slice(&piece);
                Ok(all)
            })
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn what_is_written_in_pieces_is_read_whole_or_in_part() {
        let (dir, storage) = folder();
        let mut upload = storage.begin("ab/cd/1").await.unwrap();
        let bytes: Vec<u8> = (0..700_000u32).map(|n| (n % 251) as u8).collect();
        for piece in bytes.chunks(10_007) {
            upload.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        assert!(matches!(storage.read("ab/cd/1", None).await, Err(StorageError::NotFound)), "not before it is whole");
        upload.finish().await.unwrap();
        assert_eq!(storage.size("ab/cd/1").await.unwrap(), 700_000);
        assert_eq!(all(storage.read("ab/cd/1", None).await.unwrap()).await, bytes);
        assert_eq!(all(storage.read("ab/cd/1", Some(5..300_005)).await.unwrap()).await, bytes[5..300_005]);
        storage.delete_all("ab/cd").await.unwrap();
        storage.delete_all("ab/cd").await.unwrap();
        assert!(matches!(storage.read("ab/cd/1", None).await, Err(StorageError::NotFound)));
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[tokio::test]
    async fn an_aborted_upload_leaves_nothing() {
        let (dir, storage) = folder();
        let mut upload = storage.begin("ab/cd/1").await.unwrap();
        upload.write(Bytes::from(vec![0; 600_000])).await.unwrap();
        upload.abort().await;
        let left: Vec<_> = std::fs::read_dir(dir.join("files/ab/cd")).into_iter().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn addresses_are_checked() {
        let dir = std::env::temp_dir();
        for bad in ["", "files", "http://x", "s3://", "s3://b?unknown=1", "file://host/x"] {
            assert!(Storage::open(Some(bad), None, &dir).is_err(), "{bad}");
        }
        assert!(Storage::open(Some("s3://bucket/pre?endpoint=http://127.0.0.1:1&region=eu"), None, &dir).is_ok());
    }
}
