//! One worker's UDP sockets: received by GRO in batches, sent by GSO in runs, with the fallbacks of `quinn-udp`.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use sfu_engine::api::Tuple;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// What the kernel may coalesce into one buffer.
const RECEIVE_BUFFER_BYTES: usize = 64 * 1024;

/// Messages read in one system call. Each may hold up to 64 coalesced datagrams.
const MESSAGES: usize = if BATCH_SIZE < 16 { BATCH_SIZE } else { 16 };

/// Kernel buffers asked for in each direction: a keyframe for a few hundred subscribers.
const KERNEL_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// A bound, non-blocking socket of one address family.
pub struct UdpPort {
    socket: mio::net::UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
}

/// Buffers for one receiving call, allocated once per worker.
pub struct ReceiveBuffers {
    bytes: Vec<u8>,
    meta: [RecvMeta; MESSAGES],
}

impl Default for ReceiveBuffers {
    fn default() -> Self {
        Self { bytes: vec![0; RECEIVE_BUFFER_BYTES * MESSAGES], meta: [RecvMeta::default(); MESSAGES] }
    }
}

impl UdpPort {
    /// Binds `address`; an IPv6 socket takes IPv6 only, so that both families can share a port number.
    ///
    /// # Errors
    /// What the operating system says, with the address in the text.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        Self::open(address).map_err(|e| io::Error::new(e.kind(), format!("UDP {address}: {e}")))
    }

    fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let state = UdpSocketState::new((&socket).into())?;
        enlarge_buffers(&socket);
        let socket = mio::net::UdpSocket::from_std(socket.into());
        let local = socket.local_addr()?;
        Ok(Self { socket, state, local })
    }

    pub fn local(&self) -> SocketAddr {
        self.local
    }

    pub fn source(&mut self) -> &mut mio::net::UdpSocket {
        &mut self.socket
    }

    /// Reads one batch and hands each datagram to `handle` with the tuple it came by. Returns how many datagrams there
    /// were.
    ///
    /// # Errors
    /// `WouldBlock` when nothing waits; else what the kernel reports.
    pub fn receive(&self, buffers: &mut ReceiveBuffers, mut handle: impl FnMut(Tuple, &mut [u8])) -> io::Result<usize> {
        let count = {
            let mut slices = buffers.bytes.chunks_exact_mut(RECEIVE_BUFFER_BYTES).map(IoSliceMut::new);
            let mut slices: [IoSliceMut<'_>; MESSAGES] =
                std::array::from_fn(|_| slices.next().unwrap_or_else(|| IoSliceMut::new(&mut [])));
            self.state.recv((&self.socket).into(), &mut slices, &mut buffers.meta)?
        };
        let mut datagrams = 0;
        for (meta, buffer) in buffers.meta.iter().zip(buffers.bytes.chunks_exact_mut(RECEIVE_BUFFER_BYTES)).take(count)
        {
            let tuple = Tuple { remote: meta.addr, local_ip: meta.dst_ip };
            let filled = buffer.get_mut(..meta.len).unwrap_or_default();
            for datagram in filled.chunks_mut(meta.stride.max(1)) {
                handle(tuple, datagram);
                datagrams += 1;
            }
        }
        Ok(datagrams)
    }

    /// Sends one run of datagrams of `segment_size` bytes each (the last may be shorter).
    ///
    /// # Errors
    /// `WouldBlock` when the kernel's buffer is full; else what it reports.
    pub fn send(&self, tuple: Tuple, bytes: &[u8], segment_size: usize) -> io::Result<()> {
        let most = self.state.max_gso_segments().max(1);
        // The kernel may have refused GSO since the run was built: then every datagram goes alone.
        for contents in bytes.chunks(segment_size.max(1) * most) {
            let segment_size = (contents.len() > segment_size).then_some(segment_size);
            self.state.try_send(
                (&self.socket).into(),
                &Transmit { destination: tuple.remote, ecn: None, contents, segment_size, src_ip: tuple.local_ip },
            )?;
        }
        Ok(())
    }
}

/// `SO_RCVBUFFORCE` works for root only; elsewhere the plain option gives what `rmem_max` allows.
fn enlarge_buffers(socket: &Socket) {
    let socket = SockRef::from(socket);
    let _ = socket.set_recv_buffer_size(KERNEL_BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(KERNEL_BUFFER_BYTES);
    #[cfg(target_os = "linux")]
    force_buffers(&socket);
}

#[cfg(target_os = "linux")]
fn force_buffers(socket: &SockRef<'_>) {
    use std::os::fd::AsRawFd;
    let bytes = KERNEL_BUFFER_BYTES as libc::c_int;
    for option in [libc::SO_RCVBUFFORCE, libc::SO_SNDBUFFORCE] {
        // SAFETY: the descriptor is open for the life of `socket`, and the value is a c_int of the size we name.
        unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                option,
                std::ptr::from_ref(&bytes).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            );
        }
    }
}

/// The sockets that one worker needs for `bind` and `port`: one, or one per family when `bind` is `::`.
///
/// # Errors
/// As [`UdpPort::bind`]; a machine without IPv6 gets IPv4 alone.
pub fn bind_port(bind: IpAddr, port: u16) -> io::Result<Vec<UdpPort>> {
    let first = if bind == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        let four = UdpPort::bind((std::net::Ipv4Addr::UNSPECIFIED, port).into())?;
        let port = four.local().port();
        match UdpPort::bind((Ipv6Addr::UNSPECIFIED, port).into()) {
            Ok(six) => return Ok(vec![four, six]),
            Err(error) => {
                tracing::info!(%error, "no IPv6 for media");
                four
            }
        }
    } else {
        UdpPort::bind((bind, port).into())?
    };
    Ok(vec![first])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn received(port: &UdpPort, want: usize) -> Vec<Vec<u8>> {
        let mut buffers = ReceiveBuffers::default();
        let mut out = Vec::new();
        let until = Instant::now() + Duration::from_secs(5);
        while out.len() < want && Instant::now() < until {
            match port.receive(&mut buffers, |_, bytes| out.push(bytes.to_vec())) {
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(e) => panic!("{e}"),
            }
        }
        out
    }

    #[test]
    fn a_run_arrives_as_single_datagrams() {
        let a = UdpPort::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let b = UdpPort::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let run: Vec<u8> = (0..5u8).flat_map(|i| vec![i; if i == 4 { 10 } else { 100 }]).collect();
        a.send(Tuple { remote: b.local(), local_ip: None }, &run, 100).unwrap();
        let got = received(&b, 5);
        assert_eq!(got.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 100, 100, 10]);
        assert_eq!(got[3], vec![3; 100]);
    }

    #[test]
    fn a_taken_port_is_named_in_the_error() {
        let a = UdpPort::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let error = UdpPort::bind(a.local()).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&a.local().to_string()));
    }
}
