//! One listener: what a socket and a stream have in common. Its topics, its place in the hub, resuming from the log.
//!
//! In: a caller and the names of topics. Out: frames, in order, none twice. Knows nothing of how they travel.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::topics::{self, Hearing};
use crate::app::App;
use crate::events::frame::Frame;
use crate::events::hub::{End, Full, Identity, Seat, Signals};
use crate::events::tail;
use crate::http::extract::Caller;
use crate::model::clock::Micros;
use crate::model::topic::Topic;
use crate::model::user::Actor;
use crate::store::db::StoreError;
use crate::store::events;

/// Topics of one listener.
pub(crate) const MAX_TOPICS: usize = 100;
/// Events told again to a listener that resumes; more is a gap, because reading the state anew is cheaper.
const MAX_REPLAY: i64 = 1_000;

/// Somebody who listens.
pub(crate) struct Listener {
    pub caller: Caller,
    seat: Seat,
    /// Topics by their names in the log, and what is heard of each.
    topics: BTreeMap<String, (Topic, Hearing)>,
    presence: Option<super::presence::Here>,
}

/// Why a topic was not subscribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTopic {
    /// It does not exist, as far as the caller may know.
    NotFound,
    /// The listener has too many.
    TooMany,
}

/// How a subscription went.
#[derive(Debug, Default)]
pub(crate) struct Subscribed {
    /// Public names of what is listened to now.
    pub topics: Vec<String>,
    /// What was asked for in vain.
    pub refused: Vec<(String, NoTopic)>,
    /// Live events come after this one.
    pub last_event_id: i64,
    /// What the listener missed, in order.
    pub replay: Vec<Arc<Frame>>,
    /// Something was missed that cannot be told again.
    pub gap: bool,
}

impl Listener {
    /// Takes a place for `caller`.
    ///
    /// # Errors
    /// There are too many listeners.
    pub(crate) fn new(app: &Arc<App>, caller: Caller) -> Result<Self, Full> {
        let who = match &caller.actor {
            Actor::User { user, session } => (Some(session.id), Some(user.id), None),
            Actor::Guest(guest) => (None, None, Some(guest.id)),
            Actor::Anonymous => (None, None, None),
        };
        let who = Identity { session: who.0, user: who.1, guest: who.2, address: caller.facts.ip };
        let seat = app.hub.sit(who)?;
        let presence = who.user.map(|user| app.presence.arrive(user, seat.id()));
        Ok(Self { caller, seat, topics: BTreeMap::new(), presence })
    }

    /// The next events.
    pub(crate) fn queue(&mut self) -> &mut mpsc::Receiver<Arc<Frame>> {
        &mut self.seat.queue
    }

    /// What the hub says beside events.
    pub(crate) fn signals(&self) -> Arc<Signals> {
        Arc::clone(&self.seat.signals)
    }

    /// When the session or pass ends, as it was last read; nobody listens without one.
    pub(crate) fn expires_at(&self) -> Micros {
        self.caller.actor.expires_at().unwrap_or(Micros(0))
    }

    /// Whether the session or pass is over, as far as it was read.
    pub(crate) fn has_expired(&self, app: &App) -> bool {
        self.expires_at() <= app.clock.now()
    }

    /// The person's presence; guests have none.
    pub(crate) fn presence(&self) -> Option<&super::presence::Here> {
        self.presence.as_ref()
    }

    /// Listens to `names` from now on, or from after event `last` on.
    ///
    /// # Errors
    /// As any statement; nothing was subscribed then.
    pub(crate) async fn subscribe(
        &mut self,
        app: &App,
        names: &[String],
        last: Option<i64>,
    ) -> Result<Subscribed, StoreError> {
        let mut answer = Subscribed::default();
        let mut new = BTreeMap::new();
        for name in names {
            let topic = Topic::parse(name, &self.caller.actor);
            let refusal = match topic {
                Some(topic) if self.topics.contains_key(&topic.name()) || new.contains_key(&topic.name()) => None,
                Some(_) if self.topics.len() + new.len() >= MAX_TOPICS => Some(NoTopic::TooMany),
                Some(topic) => match topics::may_listen(app, &self.caller.actor, topic).await? {
                    Some(hearing) => {
                        new.insert(topic.name(), (topic, hearing));
                        None
                    }
                    None => Some(NoTopic::NotFound),
                },
                None => Some(NoTopic::NotFound),
            };
            match refusal {
                Some(why) => answer.refused.push((name.clone(), why)),
                None if answer.topics.contains(name) => {}
                None => answer.topics.push(name.clone()),
            }
        }
        // On another replica the client may have seen what this one has not read yet.
        if last.is_some_and(|last| last > app.hub.cursor()) {
            tail::catch_up(app).await?;
        }
        let in_log: Vec<String> = new.keys().cloned().collect();
        answer.last_event_id = self.seat.subscribe(&in_log);
        if let Some(last) = last
            && let Err(error) = replay(app, &in_log, last, &mut answer).await
        {
            in_log.iter().for_each(|topic| self.seat.unsubscribe(topic));
            return Err(error);
        }
        self.topics.extend(new);
        answer.replay.retain(|frame| self.listens_to(frame));
        Ok(answer)
    }

    /// Stops listening to `names`; those it did not listen to are fine.
    pub(crate) fn unsubscribe(&mut self, names: &[String]) {
        for topic in names.iter().filter_map(|name| Topic::parse(name, &self.caller.actor)) {
            let name = topic.name();
            self.topics.remove(&name);
            self.seat.unsubscribe(&name);
        }
    }

    /// Whether an event is to be told: it may be of what was there before the listener, or have waited in the queue while
    /// its topic was given up.
    pub(crate) fn listens_to(&self, frame: &Frame) -> bool {
        self.topics.get(&frame.topic).is_some_and(|(_, hearing)| hearing.hears(frame))
    }

    /// Whether there is no topic at all.
    pub(crate) fn listens_to_nothing(&self) -> bool {
        self.topics.is_empty()
    }

    /// Looks again at the session and at every topic; the public names of topics that are lost.
    ///
    /// # Errors
    /// The session has ended. A database that does not answer changes nothing, but does not make a session last longer.
    pub(crate) async fn recheck(&mut self, app: &App) -> Result<Vec<String>, End> {
        let mut lost = Vec::new();
        match topics::refresh_actor(app, &self.caller.actor).await {
            Ok(Some(actor)) => self.caller.actor = actor,
            Ok(None) => return Err(End::SessionEnded),
            Err(_) if self.has_expired(app) => return Err(End::SessionEnded),
            Err(_) => return Ok(lost),
        }
        for (name, (topic, _)) in self.topics.clone() {
            match topics::may_listen(app, &self.caller.actor, topic).await {
                Ok(Some(hearing)) => {
                    self.topics.insert(name, (topic, hearing));
                }
                Ok(None) => {
                    self.topics.remove(&name);
                    self.seat.unsubscribe(&name);
                    lost.push(topic.public_name());
                }
                Err(_) => {}
            }
        }
        Ok(lost)
    }
}

/// Reads what was told to `topics` after `last` and before they were live.
async fn replay(app: &App, topics: &[String], last: i64, answer: &mut Subscribed) -> Result<(), StoreError> {
    let through = answer.last_event_id;
    if topics.is_empty() || last == through {
        return Ok(());
    }
    let events = events::list_of_topics(&app.background, topics, last, through, MAX_REPLAY + 1).await?;
    // Asked after reading: what was deleted meanwhile is missing from what was read.
    let (oldest, newest) = events::bounds(&app.background).await?;
    let too_many = i64::try_from(events.len()).unwrap_or(i64::MAX) > MAX_REPLAY;
    answer.gap = too_many || last < 0 || last > newest.max(through) || (oldest > 0 && last < oldest - 1);
    if !answer.gap {
        answer.replay = events.iter().map(|event| Arc::new(Frame::written(event))).collect();
    }
    Ok(())
}
