"""The net thread: each beat a packet to every peer on every network; takes in what comes (MEMBERSHIP §5, §8).

Decides nothing itself (pumprules and packetcodec do). Must never believe a packet that is not authentic or
was there before, nor stop for a network that is broken: every error is counted and the next beat tries again.
"""

from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcmp, memcpy

from hacore.kernel.packetcodec cimport (
    PACKET_BODY_AT, PACKET_BODY_BYTES, PACKET_BYTES, begin_packet, check_packet, packet_echo, packet_grants,
    packet_host, packet_incarnation, packet_sequence, packet_stamp, seal_packet, set_echo
)
from hacore.kernel.pumprules cimport AGAIN, MAX_NETWORKS, NEWS, STRANGER, Word, accept_packet
from hacore.kernel.pumpstate cimport (
    INCARNATION_PACKET, OWN_PACKET, REPLAYED_PACKET, UNCHANGED, Address, Network, Pump, count_errno, hold,
    release, take_beat, thread_ends
)
from hacore.kernel.pumpsys cimport (
    MSG_DONTWAIT, MSG_NOSIGNAL, POLLIN, c_close, eventfd_read, eventfd_write, now_ns, pollfd, ppoll, recvfrom,
    sendto, sockaddr, socklen_t, timespec, timespec_of, touch_stack
)
from hacore.kernel.wire cimport VALID

cdef enum:
    AT_A_TIME = 128             # packets taken in from one network before the beat is looked at again


# -- sending ---------------------------------------------------------------------------------------------

cdef bint make_word(Pump* p) noexcept nogil:
    """Make the next packet; False: there is nothing to say yet.

    Body, echoes and the note that it grants something belong to one instant: once Python has said that it
    grants nothing more, no later packet can.
    """
    cdef int32_t peer
    cdef int64_t at_ns
    cdef bint said
    hold(p)
    said = p.said
    if said:
        at_ns = now_ns()
        p.packet_sequence += 1
        begin_packet(p.packet, p.word, &p.pool, p.me, p.packet_sequence, <uint64_t> at_ns)
        for peer in range(p.pool.hosts):
            if p.book.heard_ns[peer]:
                set_echo(p.packet, peer, p.book.incarnation[peer], p.book.stamp_ns[peer])
        if packet_grants(p.packet):
            p.granted_ns = at_ns
    release(p)
    if said:
        seal_packet(p.packet, &p.pool)
    return said


cdef void send_word(Pump* p, Network* network) noexcept nogil:
    """Send the packet to every peer that has an address on the network."""
    cdef Address addresses[64]
    cdef uint64_t sent = 0
    cdef int32_t peer
    if network.fd < 0:
        return
    hold(p)
    memcpy(addresses, network.addresses, sizeof(addresses))
    release(p)
    for peer in range(p.pool.hosts):
        if peer == p.me or addresses[peer].length == 0:
            continue
        if sendto(
            network.fd, p.packet, PACKET_BYTES, MSG_DONTWAIT | MSG_NOSIGNAL,
            <const sockaddr*> addresses[peer].raw, addresses[peer].length
        ) >= 0:
            sent += 1
        else:
            note_error(p, network, True, errno)
    hold(p)
    network.sent += sent
    release(p)


cdef void note_error(Pump* p, Network* network, bint sending, int number) noexcept nogil:
    hold(p)
    count_errno(&network.send_errors if sending else &network.receive_errors, number)
    release(p)


# -- receiving -------------------------------------------------------------------------------------------

cdef int32_t reason_of(Word word) noexcept nogil:
    """Return by which reason a packet that is not accepted is counted."""
    if word == STRANGER:
        return OWN_PACKET
    return REPLAYED_PACKET if word == Word.REPLAYED else INCARNATION_PACKET


cdef bint take_word(Pump* p, int32_t sender, const uint8_t* packet) noexcept nogil:
    """Keep the newest body of a peer; True: it says something new. The lock is held."""
    cdef const uint8_t* body = packet + PACKET_BODY_AT
    if p.word_present[sender] and memcmp(p.words[sender], body, PACKET_BODY_BYTES) == 0:
        return False
    memcpy(p.words[sender], body, PACKET_BODY_BYTES)
    p.word_present[sender] = True
    p.word_serials[sender] += 1
    return True


cdef bint accept(Pump* p, int32_t way, const uint8_t* packet, const Address* source) noexcept nogil:
    """Take in an authentic packet; True: Python should know. The lock is held."""
    cdef Network* network = &p.network[way]
    cdef int32_t sender = packet_host(packet)
    cdef Word word = accept_packet(
        &p.book, way, sender, packet_incarnation(packet), packet_sequence(packet), packet_stamp(packet),
        <int64_t> packet_echo(packet, p.me, p.incarnation), now_ns()
    )
    if word != NEWS and word != AGAIN:
        network.refused[reason_of(word)] += 1
        return False
    network.received += 1
    network.addresses[sender] = source[0]
    return word == NEWS and take_word(p, sender, packet)


cdef bint receive(Pump* p, int32_t way) noexcept nogil:
    """Take in one packet; False: there is none, or the network is broken."""
    cdef Network* network = &p.network[way]
    cdef uint8_t packet[PACKET_BYTES + 1]  # one more: a longer one must not look like ours
    cdef Address source
    cdef socklen_t length = sizeof(source.raw)
    cdef uint8_t reason
    cdef bint news = False
    cdef ssize_t got
    got = recvfrom(
        network.fd, packet, sizeof(packet), MSG_DONTWAIT, <sockaddr*> source.raw, &length
    )
    if got < 0:
        if errno != EAGAIN and errno != EINTR:
            note_error(p, network, False, errno)
            network.deaf = True
        return False
    source.length = length
    reason = check_packet(packet, <size_t> got, &p.pool)
    hold(p)
    if reason != VALID:
        network.refused[reason] += 1
    else:
        news = accept(p, way, packet, &source)
    release(p)
    if news:
        eventfd_write(p.news_fd, 1)
    return True


# -- the thread ------------------------------------------------------------------------------------------

cdef bint look_up(Pump* p, int64_t* due_ns, bint waited) noexcept nogil:
    """Take in what Python wants; True: it is time to send."""
    cdef int32_t way
    cdef int64_t at_ns = now_ns()
    cdef bint send
    hold(p)
    send = p.net_kick
    p.net_kick = False
    if take_beat(&p.net_beat, p.timings.beat_ns, due_ns, at_ns, waited):
        send = True
        for way in range(p.networks):
            p.network[way].deaf = False
    for way in range(p.networks):
        change_socket(&p.network[way])
    release(p)
    return send


cdef void change_socket(Network* network) noexcept nogil:
    if network.next_fd == UNCHANGED:
        return
    if network.fd >= 0:
        c_close(network.fd)
    network.fd = network.next_fd
    network.next_fd = UNCHANGED
    network.deaf = False


cdef void listen(Pump* p, int64_t due_ns) noexcept nogil:
    """Wait until a packet comes, Python kicks, or the beat is due; take in what came."""
    cdef pollfd polled[MAX_NETWORKS + 1]
    cdef int64_t left_ns = due_ns - now_ns()
    cdef timespec left = timespec_of(left_ns if left_ns > 0 else 0)
    cdef int32_t way, taken
    cdef uint64_t kicks
    for way in range(p.networks):
        polled[way].fd = -1 if p.network[way].deaf else p.network[way].fd
        polled[way].events = POLLIN
        polled[way].revents = 0
    polled[p.networks].fd = p.kick_fd
    polled[p.networks].events = POLLIN
    polled[p.networks].revents = 0
    if ppoll(polled, <unsigned long> p.networks + 1, &left, NULL) <= 0:
        return
    if polled[p.networks].revents:
        eventfd_read(p.kick_fd, &kicks)
    for way in range(p.networks):
        if polled[way].revents:
            taken = 0
            while taken < AT_A_TIME and receive(p, way):
                taken += 1
            if taken == 0 and not polled[way].revents & POLLIN:
                p.network[way].deaf = True


cdef bint stopping(Pump* p) noexcept nogil:
    cdef bint stop
    hold(p)
    stop = p.stopping
    release(p)
    return stop


cdef void* net_thread(void* pump) noexcept nogil:
    cdef Pump* p = <Pump*> pump
    cdef int64_t due_ns = now_ns()
    cdef bint waited = False
    cdef int32_t way
    p.packet_sequence = <uint64_t> due_ns // 1000  # above all of an earlier life in this boot
    touch_stack()
    while not stopping(p):
        if look_up(p, &due_ns, waited) and make_word(p):
            for way in range(p.networks):
                send_word(p, &p.network[way])
        waited = now_ns() < due_ns
        listen(p, due_ns)
    for way in range(p.networks):
        p.network[way].next_fd = -1
        change_socket(&p.network[way])
    thread_ends(p)
    return NULL
