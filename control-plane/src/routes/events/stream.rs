//! `GET /api/v1/events/stream`: the socket's twin for clients that only listen.
//!
//! In: topics in the query, the last seen id in a header. Out: `text/event-stream` with the same frames as data.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream;
use garde::Validate;
use http::HeaderMap;
use serde::Deserialize;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::frames::{self, words};
use super::requests::{self, Answer};
use super::{MAX_TICKET_CHARS, admit, knock};
use crate::app::App;
use crate::error::ApiError;
use crate::events::hub::End;
use crate::http::extract::{AnyoneAtAll, Params};
use crate::routes::problems::{NotFound, Problems};
use crate::services::listeners::Listener;

/// Topics in one query.
const MAX_NAMES: usize = 50;
/// Longest query value with them: each has at most 64 characters.
const MAX_NAMES_CHARS: usize = MAX_NAMES * 65;
/// Milliseconds after which a client that lost its connection comes back.
const RECONNECT: Duration = Duration::from_secs(1);

/// What to listen to.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(crate) struct StreamQuery {
    /// Topics, separated by commas: 1 to 50.
    #[garde(length(chars, max = MAX_NAMES_CHARS))]
    topics: String,
    /// The last event one has seen; the header `Last-Event-ID` counts first.
    last_event_id: Option<i64>,
    /// From `POST /auth/ws-ticket`; works once.
    #[garde(inner(length(chars, max = MAX_TICKET_CHARS)))]
    ticket: Option<String>,
}

/// Listen to events as a stream of server-sent events. Each has the kind as `event`, the id as `id` and the frame of the
/// socket as `data`.
#[utoipa::path(get, path = "/events/stream", tag = "events", operation_id = "stream_events", params(StreamQuery),
    security(("bearer" = []), ("cookie" = []), ()),
    responses((status = 200, description = "Events", content_type = "text/event-stream", body = String), Problems, NotFound))]
pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    AnyoneAtAll(caller): AnyoneAtAll,
    Params(query): Params<StreamQuery>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let ticket = query.ticket.as_deref();
    knock(&caller, ticket, &headers).await?;
    let names: Vec<String> = query.topics.split(',').map(str::trim).map(str::to_owned).collect();
    if names.len() > MAX_NAMES {
        return Err(ApiError::field("topics", &format!("must be at most {MAX_NAMES}")));
    }
    let last = last_event_id(&headers, query.last_event_id)?;
    let mut listener = admit(&app, caller, ticket).await?;
    let outcome = requests::subscribe(&app, &mut listener, &names, last, None).await?;
    if listener.listens_to_nothing() {
        return Err(ApiError::not_found("topic_not_found", "None of these topics is there for you to listen to."));
    }
    let mut waiting = VecDeque::from([Answer::Text(frames::hello(&app, &listener))]);
    waiting.extend(outcome);
    let token = app.listeners.token();
    let period = Duration::from_secs(app.realtime.recheck_every_s.max(1));
    let mut recheck = interval_at(Instant::now() + period, period);
    recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(app.realtime.ping_every_s.max(1)));
    let reader = Reader { app, listener, waiting, recheck, ended: false, _token: token };
    Ok(Sse::new(stream::unfold(reader, Reader::next)).keep_alive(keep_alive))
}

fn last_event_id(headers: &HeaderMap, query: Option<i64>) -> Result<Option<i64>, ApiError> {
    match headers.get("last-event-id").map(|value| value.to_str().unwrap_or("-")) {
        None | Some("") => Ok(query),
        Some(text) => {
            text.parse().map(Some).map_err(|_| ApiError::field("last-event-id", "must be the id of an event"))
        }
    }
}

/// The source of one stream.
struct Reader {
    app: Arc<App>,
    listener: Listener,
    waiting: VecDeque<Answer>,
    recheck: Interval,
    ended: bool,
    _token: TaskTrackerToken,
}

impl Reader {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        if self.ended {
            return None;
        }
        let answer = match self.waiting.pop_front() {
            Some(answer) => answer,
            None => match self.wait().await {
                Ok(answer) => answer,
                Err(end) => {
                    self.ended = true;
                    let (code, reason) = words(end);
                    let body = serde_json::json!({ "code": code, "reason": reason });
                    Answer::Text(frames::with_reference("closed", None, body))
                }
            },
        };
        let event = match answer {
            Answer::Text(text) => Event::default().retry(RECONNECT).data(text),
            Answer::Event(frame) => {
                let event = Event::default().event(&frame.kind).data(frame.text.as_str());
                match frame.seq {
                    Some(seq) => event.id(seq.to_string()),
                    None => event,
                }
            }
        };
        Some((Ok(event), self))
    }

    /// The next thing to say, or why there is none. Rights are looked at as the socket does.
    async fn wait(&mut self) -> Result<Answer, End> {
        let signals = self.listener.signals();
        let clock = self.app.clock.clone();
        loop {
            let expires_at = self.listener.expires_at();
            let mut event = None;
            let due = tokio::select! {
                end = signals.ended() => return Err(end),
                () = self.app.goodbye.cancelled() => return Err(End::Stopping),
                frame = self.listener.queue().recv() => {
                    event = Some(frame.ok_or(End::Stopping)?);
                    false
                }
                _ = self.recheck.tick() => true,
                // Over, unless the session was refreshed meanwhile.
                () = clock.sleep_until(expires_at) => true,
                () = signals.doubted() => false,
            };
            if due || signals.take_doubt() {
                let lost = self.listener.recheck(&self.app).await?;
                if !lost.is_empty() {
                    self.waiting.push_back(Answer::Text(frames::unsubscribed(None, &lost, "rights_changed")));
                }
            }
            if let Some(frame) = event.filter(|frame| self.listener.listens_to(frame)) {
                self.waiting.push_back(Answer::Event(frame));
            }
            if let Some(answer) = self.waiting.pop_front() {
                return Ok(answer);
            }
        }
    }
}
