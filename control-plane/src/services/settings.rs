//! Settings that admins change while the server runs: stored values over configured ones, the same in every replica.
//!
//! In: the configuration, the settings table, changes by admins. Out: [`LiveSettings`], read by everybody at each use.
//! What cannot be read (database gone, a value out of bounds) leaves the last good value in force.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::config::{FileSettings, Registration, RetentionSettings, RoomSettings};
use crate::http::extract::SignedIn;
use crate::store::db::{Db, StoreError};
use crate::store::settings::{self as store, StoredSetting};

/// How often a replica looks whether another one changed a setting.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Largest number JSON carries without loss; no bound lies above it.
const MAX_INTEGER: i64 = 1 << 53;

/// What is in force now.
#[derive(Clone, Debug)]
pub(crate) struct LiveSettings {
    pub registration: Registration,
    pub rooms: RoomSettings,
    pub files: FileSettings,
    pub retention: RetentionSettings,
}

/// What values a key takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Choice(&'static [&'static str]),
    Number { min: i64, max: i64 },
}

/// One thing that can be set.
pub(crate) struct Key {
    pub name: &'static str,
    pub about: &'static str,
    pub kind: Kind,
    read: fn(&LiveSettings) -> Value,
    write: fn(&mut LiveSettings, &Value),
}

macro_rules! number {
    ($name:literal, $($field:ident).+, $min:expr, $max:expr, $about:literal) => {
        Key {
            name: $name,
            about: $about,
            kind: Kind::Number { min: $min, max: $max },
            read: |settings| json!(settings.$($field).+),
            write: |settings, value| {
                if let Some(value) = value.as_i64().and_then(|value| value.try_into().ok()) {
                    settings.$($field).+ = value;
                }
            },
        }
    };
}

/// Every key, in the order people see them.
pub(crate) const KEYS: &[Key] = &[
    Key {
        name: "registration",
        about: "Who may make an account.",
        kind: Kind::Choice(&["open", "invite", "closed"]),
        read: |settings| json!(settings.registration),
        write: |settings, value| {
            if let Ok(value) = serde_json::from_value(value.clone()) {
                settings.registration = value;
            }
        },
    },
    number!("rooms.max_owned", rooms.max_owned, 1, 1_000_000, "Rooms one person may own."),
    number!("rooms.max_participants", rooms.max_participants, 1, 100_000, "People at once in any room."),
    number!("files.max_bytes", files.max_bytes, 1, MAX_INTEGER, "Bytes of one file."),
    number!("files.quota_bytes", files.quota_bytes, 0, MAX_INTEGER, "Bytes of all files of one person."),
    number!("files.guest_quota_bytes", files.guest_quota_bytes, 0, MAX_INTEGER, "Bytes of all files of one guest."),
    number!("files.max_pending", files.max_pending, 1, 1_000, "Uploads one person has open at once."),
    number!("retention.ended_days", retention.ended_days, 1, 3_650, "Days ended sessions and done jobs are kept."),
    number!("retention.dead_jobs_days", retention.dead_jobs_days, 1, 3_650, "Days dead jobs are kept."),
    number!("retention.audit_days", retention.audit_days, 1, 36_500, "Days the audit log is kept."),
    number!(
        "retention.deleted_days",
        retention.deleted_days,
        1,
        3_650,
        "Days deleted things are kept before they are erased."
    ),
    number!("retention.call_quality_days", retention.call_quality_days, 1, 3_650, "Days the quality of calls is kept."),
    number!("retention.events_minutes", retention.events_minutes, 1, 10_080, "Minutes events can be resumed."),
];

impl Kind {
    /// What is wrong with a value; `None` when it is fine.
    fn objection(self, value: &Value) -> Option<String> {
        match self {
            Self::Choice(choices) => {
                let fine = value.as_str().is_some_and(|text| choices.contains(&text));
                (!fine).then(|| format!("must be one of {}", choices.join(", ")))
            }
            Self::Number { min, max } => {
                let fine = value.as_i64().is_some_and(|number| (min..=max).contains(&number));
                (!fine).then(|| format!("must be a whole number from {min} to {max}"))
            }
        }
    }
}

/// A setting as admins see it.
#[derive(Debug)]
pub(crate) struct Shown {
    pub key: &'static Key,
    /// In force now.
    pub value: Value,
    /// What the configuration says.
    pub configured: Value,
    /// Who changed it here last, and when.
    pub stored: Option<StoredSetting>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Holds what is in force.
pub(crate) struct Live {
    configured: LiveSettings,
    current: RwLock<Arc<LiveSettings>>,
    /// Held while the table is read and its values put in force, so that an older reading never wins.
    turn: tokio::sync::Mutex<()>,
}

impl Live {
    /// The configured values with the stored ones over them.
    ///
    /// # Errors
    /// As any statement.
    pub(crate) async fn load(configured: LiveSettings, db: &Db) -> Result<Self, StoreError> {
        let current = RwLock::new(Arc::new(configured.clone()));
        let live = Self { configured, current, turn: tokio::sync::Mutex::default() };
        live.refresh(db).await?;
        Ok(live)
    }

    /// What is in force now.
    pub(crate) fn get(&self) -> Arc<LiveSettings> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the table and puts its values in force.
    ///
    /// # Errors
    /// As any statement; nothing changes then.
    pub(crate) async fn refresh(&self, db: &Db) -> Result<Vec<StoredSetting>, StoreError> {
        let _turn = self.turn.lock().await;
        let stored = store::list(db).await?;
        let mut settings = self.configured.clone();
        for row in &stored {
            let Some(key) = KEYS.iter().find(|key| key.name == row.key) else { continue };
            match key.kind.objection(&row.value.0) {
                None => (key.write)(&mut settings, &row.value.0),
                Some(objection) => tracing::warn!(key = key.name, objection, "a stored setting is not used"),
            }
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        Ok(stored)
    }
}

/// Why settings were not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error("some settings are not acceptable")]
    Invalid(BTreeMap<String, Vec<String>>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Every setting, for an admin.
///
/// # Errors
/// As any statement.
pub(crate) async fn show(app: &App) -> Result<Vec<Shown>, StoreError> {
    let stored = app.settings.refresh(&app.db).await?;
    let current = app.settings.get();
    let shown = KEYS.iter().map(|key| Shown {
        key,
        value: (key.read)(&current),
        configured: (key.read)(&app.settings.configured),
        stored: stored.iter().find(|row| row.key == key.name).cloned(),
    });
    Ok(shown.collect())
}

/// Changes settings, all or none; `null` goes back to the configured value.
///
/// # Errors
/// [`ChangeError::Invalid`] names every key that is unknown or has a wrong value.
pub(crate) async fn change(
    app: &App,
    who: &SignedIn,
    changes: &BTreeMap<String, Value>,
) -> Result<Vec<Shown>, ChangeError> {
    let mut wrong = BTreeMap::new();
    for (name, value) in changes {
        let objection = match KEYS.iter().find(|key| key.name == name) {
            None => Some("is not a setting".to_owned()),
            Some(_) if value.is_null() => None,
            Some(key) => key.kind.objection(value),
        };
        if let Some(objection) = objection {
            wrong.insert(name.clone(), vec![objection]);
        }
    }
    if !wrong.is_empty() {
        return Err(ChangeError::Invalid(wrong));
    }
    if !changes.is_empty() {
        write(app, who, changes).await?;
    }
    Ok(show(app).await?)
}

async fn write(app: &App, who: &SignedIn, changes: &BTreeMap<String, Value>) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    for (name, value) in changes {
        if value.is_null() {
            store::delete(&mut tx, name).await?;
        } else {
            store::upsert(&mut tx, name, value, who.user.id, now).await?;
        }
    }
    super::audit(&mut tx, &who.caller, "settings.changed", ("settings", Uuid::nil()), json!(changes), now).await?;
    tx.commit(now).await
}

/// Follows changes made in other replicas, until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => {
                if let Err(error) = app.settings.refresh(&app.background).await {
                    tracing::debug!(%error, "the settings cannot be read; the last ones stay in force");
                }
            }
            () = stop.cancelled() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_reads_what_it_wrote() {
        let mut settings = LiveSettings {
            registration: Registration::Open,
            rooms: RoomSettings::default(),
            files: FileSettings::default(),
            retention: RetentionSettings::default(),
        };
        for key in KEYS {
            let value = match key.kind {
                Kind::Choice(choices) => json!(choices.last()),
                Kind::Number { min, .. } => json!(min + 1),
            };
            assert_eq!(key.kind.objection(&value), None, "{}", key.name);
            assert_eq!(key.kind.objection(&(key.read)(&settings)), None, "the default of {}", key.name);
            (key.write)(&mut settings, &value);
            assert_eq!((key.read)(&settings), value, "{}", key.name);
        }
    }

    #[test]
    fn values_have_a_type_and_bounds() {
        let number = Kind::Number { min: 1, max: 9 };
        for bad in [json!(0), json!(10), json!(1.5), json!("5"), json!(null), json!(u64::MAX)] {
            assert!(number.objection(&bad).is_some(), "{bad}");
        }
        assert!(Kind::Choice(&["a"]).objection(&json!("b")).is_some());
    }
}
