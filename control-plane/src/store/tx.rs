//! A write transaction with its outbox: the audit rows, jobs and events of an act are written with the act itself.
//!
//! In: [`Tx::begin`]. Out: [`Tx::commit`], after which waiting readers and workers are woken. Dropping it rolls back.

use serde::Serialize;
use sqlx::{Sqlite, Transaction};
use uuid::Uuid;

use super::db::{Db, Held, Link, Pool, StoreError, bounded};
use super::lend::LentTransaction;
use super::outbox;
use crate::events::{EventBus, NewEvent};
use crate::jobs::{JobQueue, NewJob};
use crate::model::clock::Micros;

/// Events one act may cause; more is a defect, since each is a row written under a lock.
const MAX_EVENTS_PER_ACT: usize = 256;

/// What is told to others once a transaction is durable.
#[derive(Clone)]
pub(crate) struct Outbox {
    pub(crate) bus: EventBus,
    pub(crate) jobs: JobQueue,
}

/// An open write transaction.
pub(crate) struct Tx {
    inner: Inner,
    outbox: Outbox,
    events: Vec<NewEvent>,
    has_jobs: bool,
}

enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(LentTransaction),
}

/// A plain BEGIN takes the write lock at the first write and then fails with BUSY where a reader became a writer;
/// IMMEDIATE waits its turn at the start.
const BEGIN: &str = "BEGIN IMMEDIATE";

impl Tx {
    /// Begins a write transaction.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection, or on SQLite no write lock, is to be had in time.
    pub(crate) async fn begin(db: &Db, outbox: &Outbox) -> Result<Self, StoreError> {
        let inner = match &db.pool {
            Pool::Sqlite(pool) => Inner::Sqlite(bounded(pool.begin_with(BEGIN)).await?),
            Pool::Postgres(lender) => Inner::Postgres(bounded(lender.begin()).await?),
        };
        Ok(Self { inner, outbox: outbox.clone(), events: Vec::new(), has_jobs: false })
    }

    /// Which of a pair of statements to run, where the engines differ.
    pub(super) fn is_sqlite(&self) -> bool {
        matches!(self.inner, Inner::Sqlite(_))
    }

    pub(super) fn link(&mut self) -> Link<'_> {
        match &mut self.inner {
            Inner::Sqlite(tx) => Link::Sqlite(Held::Borrowed(&mut **tx)),
            Inner::Postgres(tx) => Link::Postgres(Held::Borrowed(&mut *tx.inner)),
        }
    }

    /// Adds an event for everybody who listens to `topic`, told when this transaction commits.
    pub(crate) fn event(&mut self, topic: String, kind: &'static str, payload: &impl Serialize) {
        debug_assert!(self.events.len() < MAX_EVENTS_PER_ACT, "an act causes too many events");
        match serde_json::to_value(payload) {
            Ok(payload) if self.events.len() < MAX_EVENTS_PER_ACT => {
                self.events.push(NewEvent { topic, kind, payload });
            }
            Ok(_) => metrics::counter!("plenum_events_dropped_total").increment(1),
            Err(error) => tracing::error!(%error, kind, "an event could not be written as JSON"),
        }
    }

    /// Adds a job, run after this transaction commits; a job with the same `dedupe_key` that waits already is enough.
    ///
    /// # Errors
    /// As any statement.
    pub(crate) async fn enqueue(&mut self, job: NewJob, now: Micros) -> Result<(), StoreError> {
        self.has_jobs = true;
        super::jobs::insert(self, job, now).await.map(drop)
    }

    /// As [`Self::enqueue`], for somebody who may ask how it goes; the job's id, unless a twin waits already.
    ///
    /// # Errors
    /// As any statement.
    pub(crate) async fn enqueue_for(
        &mut self,
        user_id: Uuid,
        job: NewJob,
        now: Micros,
    ) -> Result<Option<Uuid>, StoreError> {
        self.has_jobs = true;
        let id = super::jobs::insert(self, job, now).await?;
        if let Some(id) = id {
            super::jobs::set_owner(self, id, user_id).await?;
        }
        Ok(id)
    }

    /// Makes everything durable, then wakes readers of events and workers.
    ///
    /// # Errors
    /// As any statement; nothing has happened then.
    pub(crate) async fn commit(mut self, now: Micros) -> Result<(), StoreError> {
        let mut told = Vec::with_capacity(self.events.len());
        if !self.events.is_empty() {
            let events = std::mem::take(&mut self.events);
            // A sequence number is taken before its row becomes visible. With this lock as the last step, rows appear
            // in the order of their numbers, and a reader who resumes after number n has seen everything up to n.
            if let Inner::Postgres(_) = &self.inner {
                outbox::lock_event_log(&mut self).await?;
            }
            for event in events {
                told.push(outbox::insert_event(&mut self, event, now).await?);
            }
        }
        match self.inner {
            Inner::Sqlite(tx) => bounded(tx.commit()).await?,
            Inner::Postgres(tx) => bounded(tx.commit()).await?,
        }
        for event in told {
            self.outbox.bus.publish(event);
        }
        if self.has_jobs {
            self.outbox.jobs.wake();
        }
        Ok(())
    }
}
