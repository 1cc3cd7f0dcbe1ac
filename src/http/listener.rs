//! Sockets that are listened on, and the loop that accepts.
//!
//! In: addresses from the settings. Out: one task per accepted connection. It parses nothing.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::connection::{Connections, Transport};

/// Connections the kernel holds between handshake and accept.
const BACKLOG: i32 = 1_024;

/// Pause when accepting fails, usually for want of file descriptors: trying again at once would only burn the core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long the kernel lets unacknowledged data lie before it gives a connection up (RFC 5482). Ends readers that are
/// gone, and those that ask for much and read nothing.
const USER_TIMEOUT: Duration = Duration::from_secs(60);

/// Descriptors kept back for the database, UDP, files and outgoing requests.
const RESERVED_FILES: u64 = 256;

/// A port could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}{}", hint(.source, .option))]
pub(crate) struct BindError {
    address: SocketAddr,
    /// The option to change, without dashes.
    option: &'static str,
    source: io::Error,
}

fn hint(error: &io::Error, option: &str) -> String {
    let environment = option.to_uppercase().replace('-', "_");
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            ". Another program has this port, perhaps another Plenum: stop it, or choose a port with --{option} (PLENUM_{environment})"
        ),
        io::ErrorKind::PermissionDenied => {
            format!(". Ports below 1024 need a privilege; choose another with --{option} (PLENUM_{environment})")
        }
        io::ErrorKind::AddrNotAvailable => ". This machine has no such address: see --bind (PLENUM_BIND)".to_owned(),
        _ => String::new(),
    }
}

/// Opens a TCP port on every address (IPv6 and IPv4 in one socket), or on the one that was asked for.
///
/// # Errors
/// The port is taken, forbidden, or the address is not this machine's.
pub(crate) fn bind(ip: Option<IpAddr>, port: u16, option: &'static str) -> Result<TcpListener, BindError> {
    let address = SocketAddr::new(ip.unwrap_or(IpAddr::from([0u16; 8])), port);
    let result = match open(address) {
        // A machine without IPv6.
        Err(error) if ip.is_none() && error.kind() != io::ErrorKind::AddrInUse => {
            open(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port)).map_err(|_| error)
        }
        other => other,
    };
    result.map_err(|source| BindError { address, option, source })
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // A restart must not wait for connections of the last run to time out. On Unix this does not let two listen at once.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Accepts until `stop`, one task per connection that the gate lets in.
pub(crate) async fn accept(
    listener: TcpListener,
    transport: Transport,
    connections: Arc<Connections>,
    stop: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                if let Err(error) = prepare(&stream) {
                    tracing::debug!(%error, "connection lost before it was served");
                    continue;
                }
                connections.admit(stream, address, transport.clone());
            }
            Err(error) => {
                metrics::counter!("plenum_http_accept_errors_total").increment(1);
                tracing::debug!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The first address of this machine that others on its network may use.
pub(crate) fn network_address() -> Option<IpAddr> {
    let all = if_addrs::get_if_addrs().ok()?;
    let mut others = all.iter().map(if_addrs::Interface::ip).filter(|ip| !ip.is_loopback());
    others.clone().find(IpAddr::is_ipv4).or_else(|| others.find(|ip| !is_link_local(*ip)))
}

/// Such an address means nothing without the name of an interface.
fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    Ok(())
}

/// Raises the number of files this process may open to what the system allows, and says how many connections fit.
/// Shells often start with 1,024, which 500 participants would use up.
pub(crate) fn connections_that_fit(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let fit = files.map_or(usize::MAX, |files| {
        usize::try_from(files.saturating_sub(RESERVED_FILES).max(files / 2)).unwrap_or(usize::MAX)
    });
    if fit < wanted {
        tracing::warn!(wanted, fit, "fewer connections fit than the setting allows: raise the open files limit");
    }
    wanted.min(fit).max(1)
}
