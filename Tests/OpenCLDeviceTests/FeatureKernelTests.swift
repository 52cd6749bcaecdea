import Foundation
import TestSupport
import Testing

@testable import OpenCLDevice

/// A group of float32 parts, as the host would send it, and what the kernels of features.cl and
/// gram.cl make of it.
struct GroupOnDevice {
  let runtime: Runtime
  let n: Int
  let parts: [Activations64]
  let records: [PartRecord]
  let blockCount: Int
  let data: Guarded<Float>
  let partTable: Buffer
  let owners: Guarded<UInt32>
  let shifts: Guarded<Float>
  let ranges: Guarded<Float>
  let flags: Guarded<UInt32>
  let scales: Guarded<Float>
  let layers: Buffer

  init(_ runtime: Runtime, _ parts: [Activations64], flags: Flags = .first) throws {
    self.runtime = runtime
    self.parts = parts
    n = parts[0].n
    var numbers: [Float] = []
    var records: [PartRecord] = []
    var owners: [UInt32] = []
    for (index, part) in parts.enumerated() {
      let stride = part.p.roundedUp(to: 32)
      records.append(
        PartRecord(
          offset: UInt64(numbers.count * 4), stride: UInt32(stride),
          firstBlock: UInt32(owners.count), layer: UInt32(index), format: 0, exponent: 0,
          flags: flags))
      owners += Array(repeating: UInt32(index), count: stride / 32)
      for i in 0..<part.n {
        numbers += (0..<stride).map { $0 < part.p ? Float(part[i, $0]) : 0 }
      }
    }
    self.records = records
    blockCount = owners.count
    data = try Guarded(runtime, numbers)
    let table = try runtime.buffer(byteCount: records.count * 32)
    try records.withUnsafeBytes { bytes in
      try runtime.write(table, from: bytes, on: runtime.compute).wait()
    }
    partTable = table
    self.owners = try Guarded(runtime, owners)
    shifts = try Guarded(runtime, count: blockCount * 32)
    ranges = try Guarded(runtime, count: blockCount)
    self.flags = try Guarded(runtime, count: blockCount)
    scales = try Guarded(runtime, count: parts.count)
    layers = try runtime.buffer(byteCount: parts.count * 32)
  }

  func measure() throws {
    try runtime.launch(
      runtime.kernel("feature_statistics", of: runtime.tuning.features),
      global: [blockCount * 32, Tuning.rowLanes], local: [32, Tuning.rowLanes],
      [
        .buffer(data.buffer), .buffer(partTable), .buffer(owners.buffer), .uint(n),
        .buffer(shifts.buffer), .buffer(ranges.buffer), .buffer(flags.buffer),
      ])
    try runtime.launch(
      runtime.kernel("part_statistics", of: runtime.tuning.features),
      global: [parts.count * Tuning.partLanes], local: [Tuning.partLanes],
      [
        .buffer(partTable), .buffer(ranges.buffer), .buffer(flags.buffer),
        .buffer(scales.buffer), .buffer(layers),
      ])
  }

  func layerRecords() throws -> [LayerRecord] {
    try runtime.readArray(layers, count: parts.count, of: LayerRecord())
  }
}

struct FeatureKernelTests {
  @Test(arguments: Fixture.isSimulated ? [2, 5, 33] : [2, 4, 5, 31, 33, 257])
  func shiftsAreMeans(n: Int) throws {
    let widths = Fixture.isSimulated ? [1, 3, 70] : [1, 3, 127, 5000]
    let parts = widths.map { Activations64.normal(n: n, p: $0, seed: UInt64($0), offset: 3) }
    let group = try GroupOnDevice(Fixture.runtime(), parts)
    try group.measure()
    let shifts = try group.shifts.read()
    _ = try group.ranges.read()
    _ = try group.flags.read()
    #expect(try group.scales.read().allSatisfy { $0 == 1 })
    for (part, record) in zip(parts, group.records) {
      for k in 0..<Int(record.stride) {
        let mean = k < part.p ? (0..<n).reduce(0) { $0 + part[$1, k] } / Double(n) : 0
        // n fused operations on sums of at most 8: each rounds by 2⁻²⁴ of them at most.
        let bound = 8 * Double(n + 8) * 0x1p-24
        #expect(abs(Double(shifts[Int(record.firstBlock) * 32 + k]) - mean) < bound)
      }
    }
    #expect(try group.layerRecords().allSatisfy { $0.exponent == 0 && $0.flags == .varies })
  }

  @Test func scalesAndFlags() throws {
    let n = 9
    func part(_ scale: Double) -> Activations64 { .normal(n: n, p: 40, seed: 1, scale: scale) }
    var nan = part(1)
    nan.values[100] = .nan
    var infinite = part(1)
    infinite.values[3] = -.infinity
    var extreme = part(1)
    extreme.values[40] = Double(Float.greatestFiniteMagnitude)
    extreme.values[80] = -Double(Float.greatestFiniteMagnitude)
    let constant = Activations64(n: n, p: 33, values: Array(repeating: 0.1, count: n * 33))
    let parts = [part(1), part(1e18), part(1e-18), nan, infinite, constant, extreme, part(1e-37)]
    let group = try GroupOnDevice(Fixture.runtime(), parts)
    try group.measure()
    let records = try group.layerRecords()
    #expect(records.map(\.exponent) == [0, 64, -64, -8192, -8192, -8192, 96, -96])
    #expect(
      records.map(\.flags) == [
        .varies, .varies, .varies, [.varies, .notFinite], [.varies, .notFinite], [], .varies,
        .varies,
      ])
    #expect(
      try group.scales.read()
        == [1, 0x1p-64, 0x1p64, 1, 1, 1, 0x1p-96, 0x1p96])
    // A constant feature's shift is its value to the last bit.
    let shifts = try group.shifts.read()
    #expect(shifts[Int(group.records[5].firstBlock) * 32 + 32] == 0.1)
  }

  @Test func partsOfALayerShareAnExponent() throws {
    // The second part of layer 0 comes in a later group; here: the same records, not first.
    let runtime = try Fixture.runtime()
    let first = try GroupOnDevice(runtime, [.normal(n: 6, p: 10, seed: 1)])
    try first.measure()
    let second = try GroupOnDevice(runtime, [.normal(n: 6, p: 10, seed: 2, scale: 1e18)], flags: [])
    try runtime.launch(
      runtime.kernel("feature_statistics", of: runtime.tuning.features),
      global: [32, Tuning.rowLanes], local: [32, Tuning.rowLanes],
      [
        .buffer(second.data.buffer), .buffer(second.partTable), .buffer(second.owners.buffer),
        .uint(6), .buffer(second.shifts.buffer), .buffer(second.ranges.buffer),
        .buffer(second.flags.buffer),
      ])
    try runtime.launch(
      runtime.kernel("part_statistics", of: runtime.tuning.features),
      global: [Tuning.partLanes], local: [Tuning.partLanes],
      [
        .buffer(second.partTable), .buffer(second.ranges.buffer), .buffer(second.flags.buffer),
        .buffer(second.scales.buffer), .buffer(first.layers),
      ])
    let record = try first.layerRecords()[0]
    #expect(record.exponent == 64 && record.rescaleOld == -64 && record.rescaleNew == 0)
  }
}
