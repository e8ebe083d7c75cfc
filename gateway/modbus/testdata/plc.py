"""A Modbus TCP server by other authors: pymodbus, with two units whose registers the test knows.

Usage: plc.py PORT. Prints "ready" once it listens.
"""
import asyncio
import struct
import sys
import types

try:
    import serial  # noqa: F401
except ImportError:  # pymodbus imports it even where only TCP is spoken, and Debian only recommends it
    sys.modules["serial"] = types.ModuleType("serial")
    sys.modules["serial_asyncio"] = types.ModuleType("serial_asyncio")
    sys.modules["serial_asyncio"].create_serial_connection = None

from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.server.async_io import ModbusTcpServer


def words(fmt, value):
    raw = struct.pack(">" + fmt, value)
    return list(struct.unpack(">%dH" % (len(raw) // 2), raw))


def swapped(ws):
    return [((w & 0xFF) << 8) | (w >> 8) for w in ws]


def block(places):
    values = {}
    for address, ws in places.items():
        for i, w in enumerate(ws):
            values[address + i] = w
    return ModbusSparseDataBlock(values)


def unit(base):
    holding = block({
        0: words("f", base + 72.4),                    # ABCD
        2: words("f", base + 1.5)[::-1],               # CDAB
        4: swapped(words("f", base + 2.5)),            # BADC
        6: swapped(words("f", base + 3.5))[::-1],      # DCBA
        8: words("h", -123),
        9: words("H", 65000),
        10: words("i", -70000),
        12: words("I", 4000000000),
        14: words("q", -(1 << 40)),
        18: words("d", base + 0.125),
        22: [0b1000_0000_0000_0001],
        # 23 is not there: whoever reads across it is refused.
        24: words("H", 42),
        300: list(range(1000, 1200)),
    })
    inputs = block({0: words("h", 652), 100: words("f", base + 9.75)})
    bits = {i: 1 if i % 3 == 0 else 0 for i in range(0, 40)}
    return ModbusSlaveContext(
        di=ModbusSparseDataBlock(dict(bits)), co=ModbusSparseDataBlock(dict(bits)), hr=holding, ir=inputs, zero_mode=True)


async def main():
    context = ModbusServerContext(slaves={1: unit(0), 2: unit(100)}, single=False)
    server = ModbusTcpServer(context, address=("127.0.0.1", int(sys.argv[1])), allow_reuse_address=True)

    async def announce():
        await server.serving
        print("ready", flush=True)

    await asyncio.gather(server.serve_forever(), announce())


asyncio.run(main())
