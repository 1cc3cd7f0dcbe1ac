//! One headless participant: joins, negotiates, publishes, receives, leaves.
//!
//! The session is one task that takes signal messages and connection events in turn and keeps the order LiveKit's
//! protocol asks for: with two connections the server offers to the subscriber and answers the publisher, with one
//! connection the client always offers. Offers never overlap.

use std::collections::HashSet;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use signaling_proto::proto::{
    LeaveRequest, ParticipantInfo, Ping, SessionDescription, SignalTarget, TrackType, TrickleRequest,
    UpdateTrackSettings, VideoQuality, leave_request, signal_request, signal_response,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use webrtc::peer_connection::RTCIceCandidateInit;

use crate::cli::Quality;
use crate::connection::{Connection, ConnectionEvent, EVENT_QUEUE};
use crate::counters::Counters;
use crate::light;
use crate::publish::{MediaPlan, OutgoingTrack, PlannedTrack};
use crate::signal::{self, Endpoint, Requests};

/// Sections of each kind that a receiver offers with its first offer on one connection, as SDKs do.
const FIRST_SECTIONS: u32 = 3;
/// How often the participant pings.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// How long leaving may take.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(2);
/// The publisher that [`Quality::Speaker`] asks the best layer of.
pub(crate) const SPEAKER: &str = "publisher-0";

/// What a participant does.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    /// Its identity.
    pub(crate) identity: String,
    /// What it publishes.
    pub(crate) publish: Option<MediaPlan>,
    /// Whether it receives.
    pub(crate) subscribe: bool,
    /// Which layers it asks for.
    pub(crate) quality: Quality,
    /// One connection instead of two.
    pub(crate) single_connection: bool,
    /// Only counts encrypted packets; see [`crate::light`].
    pub(crate) light: bool,
}

/// What can be seen of a participant from outside.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    opened: OnceLock<Instant>,
    joined: OnceLock<Instant>,
    publishing: OnceLock<Instant>,
}

impl Progress {
    /// The WebSocket is about to open.
    pub(crate) fn note_opened(&self, now: Instant) {
        // Only the first time counts.
        let _ = self.opened.set(now);
    }

    /// The JoinResponse is there.
    pub(crate) fn note_joined(&self, now: Instant) {
        let _ = self.joined.set(now);
    }
}

/// A running participant.
pub(crate) struct Participant {
    /// Its identity.
    pub(crate) identity: String,
    /// What it received.
    pub(crate) counters: Arc<Counters>,
    progress: Arc<Progress>,
    stop: CancellationToken,
    task: JoinHandle<Result<()>>,
}

impl Participant {
    /// Joins in the background.
    pub(crate) fn join(endpoint: Arc<Endpoint>, role: Role) -> Self {
        let counters = Arc::new(Counters::default());
        let progress = Arc::new(Progress::default());
        let stop = CancellationToken::new();
        let identity = role.identity.clone();
        let (noted, counted, stopped) = (Arc::clone(&progress), Arc::clone(&counters), stop.clone());
        let task = if role.light {
            tokio::spawn(light::run(endpoint, role, counted, noted, stopped))
        } else {
            tokio::spawn(Session::run(endpoint, role, counted, noted, stopped))
        };
        Self { identity, counters, progress, stop, task }
    }

    /// From opening the WebSocket to the first media packet.
    pub(crate) fn join_time(&self) -> Option<Duration> {
        let opened = self.progress.opened.get()?;
        Some(self.counters.first_packet()?.saturating_duration_since(*opened))
    }

    /// From opening the WebSocket to the JoinResponse.
    pub(crate) fn signal_time(&self) -> Option<Duration> {
        Some(self.progress.joined.get()?.saturating_duration_since(*self.progress.opened.get()?))
    }

    /// Whether its tracks are being sent.
    pub(crate) fn is_publishing(&self) -> bool {
        self.progress.publishing.get().is_some()
    }

    /// Whether its session has ended, by itself or by an error.
    pub(crate) fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Leaves and says how the session went.
    pub(crate) async fn leave(self) -> Result<()> {
        self.stop.cancel();
        match tokio::time::timeout(LEAVE_TIMEOUT, self.task).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(error).context("the session stopped"),
            Err(_) => bail!("leaving took longer than {LEAVE_TIMEOUT:?}"),
        }
    }
}

struct Session {
    role: Role,
    requests: Requests,
    progress: Arc<Progress>,
    counters: Arc<Counters>,
    local: SocketAddr,
    events: mpsc::Sender<ConnectionEvent>,
    /// Where we offer: the publisher of two connections, or the only one.
    publisher: Option<Connection>,
    publisher_connected: bool,
    subscriber: Option<Connection>,
    announced: Vec<PlannedTrack>,
    added: Vec<OutgoingTrack>,
    offer_id: u32,
    offering: bool,
    offer_again: bool,
    configured: HashSet<String>,
    stop: CancellationToken,
}

impl Session {
    async fn run(
        endpoint: Arc<Endpoint>,
        role: Role,
        counters: Arc<Counters>,
        progress: Arc<Progress>,
        stop: CancellationToken,
    ) -> Result<()> {
        let local = local_address(&endpoint.url)?;
        let (events, mut happened) = mpsc::channel(EVENT_QUEUE);
        let mut first = None;
        if role.single_connection {
            let mut connection =
                Connection::new(SignalTarget::Publisher, local, events.clone(), Arc::clone(&counters)).await?;
            connection.open_data_channels().await?;
            if role.subscribe {
                connection.add_receiving(FIRST_SECTIONS, FIRST_SECTIONS).await?;
            }
            first = Some((description("offer", connection.offer().await?, 1), connection));
        }
        let (first_offer, publisher) = first.unzip();
        progress.note_opened(Instant::now());
        let opened = signal::open(&endpoint, &role.identity, role.subscribe, first_offer);
        let (requests, mut responses) = opened.await.with_context(|| role.identity.clone())?;
        let offering = publisher.is_some();
        let mut session = Self {
            role,
            requests,
            progress,
            counters,
            local,
            events,
            publisher,
            publisher_connected: false,
            subscriber: None,
            announced: Vec::new(),
            added: Vec::new(),
            offer_id: u32::from(offering),
            offering,
            offer_again: false,
            configured: HashSet::new(),
            stop,
        };
        let result = session.take_turns(&mut responses, &mut happened).await;
        session.end().await;
        result.with_context(|| session.role.identity.clone())
    }

    async fn take_turns(
        &mut self,
        responses: &mut signal::Responses,
        happened: &mut mpsc::Receiver<ConnectionEvent>,
    ) -> Result<()> {
        let stop = self.stop.clone();
        let mut pings = tokio::time::interval(PING_INTERVAL);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                message = responses.next() => match message? {
                    Some(message) => self.handle_message(message).await?,
                    None => bail!("the server closed the WebSocket"),
                },
                Some(event) = happened.recv() => self.handle_event(event).await?,
                _ = pings.tick() => {
                    self.requests.send(signal_request::Message::PingReq(Ping::default())).await?;
                }
            }
        }
    }

    async fn handle_message(&mut self, message: signal_response::Message) -> Result<()> {
        use signal_response::Message;
        if tracing::enabled!(tracing::Level::DEBUG) {
            tracing::debug!(identity = self.role.identity, message = name_of(&message), "received");
        }
        match message {
            Message::Join(join) => {
                self.progress.note_joined(Instant::now());
                self.ask_for_layers(&join.other_participants).await?;
                self.announce().await
            }
            Message::Offer(offer) => self.handle_offer(offer).await,
            Message::Answer(answer) => self.handle_answer(answer).await,
            Message::Trickle(trickle) => self.handle_candidate(trickle).await,
            Message::TrackPublished(published) => self.handle_published(&published.cid).await,
            Message::Update(update) => self.ask_for_layers(&update.participants).await,
            Message::MediaSectionsRequirement(wanted) => {
                if let Some(connection) = &self.publisher {
                    connection.add_receiving(wanted.num_audios, wanted.num_videos).await?;
                }
                self.negotiate().await
            }
            Message::Leave(leave) => bail!("the server ended the session: {:?}", leave.reason()),
            _ => Ok(()),
        }
    }

    async fn handle_event(&mut self, event: ConnectionEvent) -> Result<()> {
        tracing::debug!(identity = self.role.identity, ?event, "happened");
        match event {
            ConnectionEvent::Candidate(target, candidate_init) => {
                let trickle = TrickleRequest { candidate_init, target: target as i32, r#final: false };
                self.requests.send(signal_request::Message::Trickle(trickle)).await
            }
            ConnectionEvent::Connected(SignalTarget::Publisher) => {
                self.publisher_connected = true;
                self.start_publishing().await
            }
            ConnectionEvent::Connected(SignalTarget::Subscriber) => Ok(()),
            ConnectionEvent::Failed(target) => bail!("the {} connection failed", target.as_str_name()),
        }
    }

    /// Announces every track; they are added when the server has named them.
    async fn announce(&mut self) -> Result<()> {
        let Some(plan) = self.role.publish else { return Ok(()) };
        if self.publisher.is_none() {
            let target = SignalTarget::Publisher;
            let connection = Connection::new(target, self.local, self.events.clone(), Arc::clone(&self.counters));
            let mut connection = connection.await?;
            connection.open_data_channels().await?;
            self.publisher = Some(connection);
        }
        self.announced = plan.planned();
        for request in self.announced.iter().map(PlannedTrack::request).collect::<Vec<_>>() {
            self.requests.send(signal_request::Message::AddTrack(request)).await?;
        }
        Ok(())
    }

    async fn handle_published(&mut self, cid: &str) -> Result<()> {
        let Some(position) = self.announced.iter().position(|planned| planned.cid == cid) else { return Ok(()) };
        let planned = self.announced.remove(position);
        let connection = self.publisher.as_ref().context("a track without a connection")?;
        self.added.push(planned.add_to(connection).await?);
        if self.announced.is_empty() { self.negotiate().await } else { Ok(()) }
    }

    /// Offers now, or again after the answer that is under way.
    async fn negotiate(&mut self) -> Result<()> {
        if self.offering {
            self.offer_again = true;
            return Ok(());
        }
        let Some(connection) = &self.publisher else { return Ok(()) };
        self.offering = true;
        self.offer_id += 1;
        let offer = description("offer", connection.offer().await?, self.offer_id);
        self.requests.send(signal_request::Message::Offer(offer)).await
    }

    async fn handle_answer(&mut self, answer: SessionDescription) -> Result<()> {
        // 0 comes from servers that do not echo ids.
        if answer.id != 0 && answer.id != self.offer_id {
            return Ok(());
        }
        self.publisher.as_mut().context("an answer to no offer")?.accept(answer.sdp).await?;
        self.offering = false;
        if std::mem::take(&mut self.offer_again) {
            return self.negotiate().await;
        }
        self.start_publishing().await
    }

    async fn handle_offer(&mut self, offer: SessionDescription) -> Result<()> {
        if self.subscriber.is_none() {
            let target = SignalTarget::Subscriber;
            let connection = Connection::new(target, self.local, self.events.clone(), Arc::clone(&self.counters));
            self.subscriber = Some(connection.await?);
        }
        let Some(connection) = &mut self.subscriber else { return Ok(()) };
        let answer = description("answer", connection.answer(offer.sdp).await?, offer.id);
        self.requests.send(signal_request::Message::Answer(answer)).await
    }

    async fn handle_candidate(&mut self, trickle: TrickleRequest) -> Result<()> {
        let candidate: RTCIceCandidateInit =
            serde_json::from_str(&trickle.candidate_init).context("a candidate that is not JSON")?;
        let connection = match trickle.target() {
            SignalTarget::Publisher => self.publisher.as_mut(),
            SignalTarget::Subscriber if self.role.single_connection => self.publisher.as_mut(),
            SignalTarget::Subscriber => {
                // A candidate may come before the first offer.
                if self.subscriber.is_none() {
                    let target = SignalTarget::Subscriber;
                    let connection =
                        Connection::new(target, self.local, self.events.clone(), Arc::clone(&self.counters));
                    self.subscriber = Some(connection.await?);
                }
                self.subscriber.as_mut()
            }
        };
        if let Some(connection) = connection {
            connection.add_candidate(candidate).await;
        }
        Ok(())
    }

    /// Once every track is negotiated and the connection is up.
    async fn start_publishing(&mut self) -> Result<()> {
        let ready = self.publisher_connected && !self.offering && self.announced.is_empty() && !self.added.is_empty();
        if !ready || self.progress.publishing.get().is_some() {
            return Ok(());
        }
        for track in &self.added {
            track.start(&self.stop).await?;
        }
        let _ = self.progress.publishing.set(Instant::now());
        Ok(())
    }

    async fn ask_for_layers(&mut self, participants: &[ParticipantInfo]) -> Result<()> {
        if !self.role.subscribe || self.role.quality == Quality::High {
            return Ok(());
        }
        for participant in participants.iter().filter(|participant| participant.identity != self.role.identity) {
            let quality = match self.role.quality {
                Quality::Low => VideoQuality::Low,
                Quality::Medium => VideoQuality::Medium,
                Quality::Speaker if participant.identity != SPEAKER => VideoQuality::Low,
                Quality::Speaker | Quality::High => continue,
            };
            for track in participant.tracks.iter().filter(|track| track.r#type() == TrackType::Video) {
                if self.configured.insert(track.sid.clone()) {
                    let track_sids = vec![track.sid.clone()];
                    let setting = UpdateTrackSettings { track_sids, quality: quality as i32, ..Default::default() };
                    self.requests.send(signal_request::Message::TrackSetting(setting)).await?;
                }
            }
        }
        Ok(())
    }

    async fn end(&mut self) {
        // Also when the session failed, so that nothing goes on sending.
        self.stop.cancel();
        let leave = LeaveRequest { action: leave_request::Action::Disconnect as i32, ..LeaveRequest::default() };
        // The socket may be gone already.
        let _ = self.requests.send(signal_request::Message::Leave(leave)).await;
        self.requests.close().await;
        for connection in [&self.publisher, &self.subscriber].into_iter().flatten() {
            connection.close().await;
        }
    }
}

fn description(kind: &str, sdp: String, id: u32) -> SessionDescription {
    SessionDescription { r#type: kind.to_owned(), sdp, id, ..SessionDescription::default() }
}

/// The message's kind, for the log.
fn name_of(message: &signal_response::Message) -> String {
    let mut name = format!("{message:?}");
    name.truncate(name.find('(').unwrap_or(name.len()));
    name
}

/// The address from which this machine reaches the server; UDP connect sends nothing.
pub(crate) fn local_address(url: &str) -> Result<SocketAddr> {
    let url = url::Url::parse(url).context("the server's URL")?;
    let target = url.socket_addrs(|| Some(7880)).context("the server's address")?;
    let target = target.first().context("the server has no address")?;
    let unspecified: SocketAddr = if target.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(unspecified)?;
    socket.connect(target)?;
    Ok(SocketAddr::new(socket.local_addr()?.ip(), 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_server_is_reached_from_loopback() {
        assert_eq!(local_address("ws://127.0.0.1:7880").unwrap().to_string(), "127.0.0.1:0");
        assert!(local_address("not a url").is_err());
    }
}
