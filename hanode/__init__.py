"""hanode: a high-availability node. VRRP under one Twisted reactor.

The house has three floors. Top-level files are ground and roof, folders are rooms,
and rooms do not import each other. Plural folders are plug-in kinds: drop a file in.

::

    roof     cli > tap, logs > rehearsal > node
    rooms    vrrp | trackers | notifiers | dataplanes
    ground   world | network | processes | driver | facts | plugins
    words    interfaces > link | events > config

Four mechanisms carry everything.

1. A I{machine} (L{hanode.vrrp.instance}) decides, and does nothing else: its events
   are methods that take C{now}, what comes out is a list of actions, and C{deadline}
   says when C{expire} is due. Actions state wholes: C{Hold(addresses)}, never "add
   one".
2. The I{driver} (L{hanode.driver}) feeds a machine, performs its actions in order,
   and keeps its one timer.
3. I{Facts} (L{hanode.facts}) are named values that everyone may set and watch:
   C{interface:eth0}, C{vrrp:VI_1}. Who joins is told the present value.
4. The I{World} (L{hanode.world}) is the one door to the outside: clock, chance,
   network, processes, dataplane. In C{rehearsal} it is made of memory, under the same
   services.

Four stories, to find the way:

I{A configuration becomes services.} C{config.lexer} makes words, C{config.parser} a
tree of blocks, C{config.build} a frozen C{Model} and a list of every C{Problem};
C{Node} gives each entry its service. On SIGHUP C{config.diff} compares two models,
and what is equal is not touched.

I{An advertisement arrives.} C{network.raw} hands bytes to C{vrrp.wire}, which decodes
them once and gives them to the instance with that virtual router id;
C{vrrp.acceptance} holds them against the settings; the driver feeds the machine; its
actions go to the wire (an advertisement), the dataplane (addresses, gratuitous ARP)
and the facts (the state).

I{Somebody deletes an address that we hold.} C{dataplanes.linux} hears of it from the
kernel, puts it back, announces it and says so.

I{The node becomes master.} C{Report(MASTER)} sets a fact, and C{node} passes an
C{Event} to every plug-in of C{notifiers}, where C{script.py} runs what the
configuration names.
"""
