//! A receiver that costs little: real signaling, ICE and DTLS, but packets stay encrypted and are only counted.
//!
//! SRTP leaves the RTP header readable, so sequence numbers and SSRCs can be counted without a key. It sends no feedback
//! (no NACK, no TWCC, no RR): what it reports as lost was never repaired, and a server's bandwidth estimate stays where
//! it starts. For measuring a server on the same machine that is the point: the generator's share of the CPU is small.
//!
//! It joins by `/rtc` and is always the DTLS client, which it may choose because the server offers `actpass`.

mod answer;
mod transport;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use signaling_proto::proto::{
    LeaveRequest, Ping, SessionDescription, SignalTarget, leave_request, signal_request, signal_response,
};
use tokio_util::sync::CancellationToken;
use webrtc::peer_connection::RTCIceCandidateInit;

use crate::counters::Counters;
use crate::participant::{Progress, Role, local_address};
use crate::signal::{self, Endpoint, Requests, Responses};
use transport::Transport;

/// How often the session pings.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// Runs the whole session.
pub(crate) async fn run(
    endpoint: Arc<Endpoint>,
    role: Role,
    counters: Arc<Counters>,
    progress: Arc<Progress>,
    stop: CancellationToken,
) -> Result<()> {
    let mut transport = Transport::new(local_address(&endpoint.url)?, counters).await?;
    progress.note_opened(Instant::now());
    let (mut requests, mut responses) =
        signal::open(&endpoint, &role.identity, true, None).await.with_context(|| role.identity.clone())?;
    let result = take_turns(&mut transport, &mut requests, &mut responses, &progress, &stop).await;
    let leave = LeaveRequest { action: leave_request::Action::Disconnect as i32, ..LeaveRequest::default() };
    // The socket may be gone already.
    let _ = requests.send(signal_request::Message::Leave(leave)).await;
    requests.close().await;
    result.with_context(|| role.identity.clone())
}

async fn take_turns(
    transport: &mut Transport,
    requests: &mut Requests,
    responses: &mut Responses,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<()> {
    let mut pings = tokio::time::interval(PING_INTERVAL);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            turn = transport.turn() => turn?,
            message = responses.next() => {
                let Some(message) = message? else { bail!("the server closed the WebSocket") };
                handle_message(transport, requests, progress, message).await?;
            }
            _ = pings.tick() => requests.send(signal_request::Message::PingReq(Ping::default())).await?,
        }
    }
}

async fn handle_message(
    transport: &mut Transport,
    requests: &mut Requests,
    progress: &Progress,
    message: signal_response::Message,
) -> Result<()> {
    use signal_response::Message;
    match message {
        Message::Join(_) => progress.note_joined(Instant::now()),
        Message::Offer(offer) => {
            let sdp = transport.answer(&offer.sdp)?;
            let answer =
                SessionDescription { r#type: "answer".to_owned(), sdp, id: offer.id, ..SessionDescription::default() };
            requests.send(signal_request::Message::Answer(answer)).await?;
        }
        Message::Trickle(trickle) if trickle.target() == SignalTarget::Subscriber => {
            let candidate: RTCIceCandidateInit =
                serde_json::from_str(&trickle.candidate_init).context("a candidate that is not JSON")?;
            transport.add_candidate(&candidate.candidate);
        }
        Message::Leave(leave) => bail!("the server ended the session: {:?}", leave.reason()),
        _ => {}
    }
    Ok(())
}
