import Foundation
import TestSupport
import Testing

@testable import OpenCLDevice

/// A group of parts, as the host would send it, and what the kernels of features.cl make of it.
struct GroupOnDevice {
  let runtime: Runtime
  let n: Int
  let parts: [Activations64]
  let records: [PartRecord]
  let blockCount: Int
  let data: Guarded<UInt32>
  let partTable: Buffer
  let owners: Guarded<UInt32>
  let shifts: Guarded<Float>
  let ranges: Guarded<Float>
  let flags: Guarded<UInt32>
  let moments: Guarded<Float>
  let scales: Guarded<Float>
  let layers: Buffer

  /// The parts' numbers must be numbers of `format`.
  init(
    _ runtime: Runtime, _ parts: [Activations64], flags: Flags = .first,
    format: ScalarFormat = .float32
  ) throws {
    self.runtime = runtime
    self.parts = parts
    n = parts[0].n
    var words: [UInt32] = []
    var records: [PartRecord] = []
    var owners: [UInt32] = []
    for (index, part) in parts.enumerated() {
      let stride = part.p.roundedUp(to: 32)
      records.append(
        PartRecord(
          offset: UInt64(words.count * 4), stride: UInt32(stride),
          firstBlock: UInt32(owners.count), layer: UInt32(index), format: format.rawValue,
          exponent: 0,
          flags: flags))
      owners += Array(repeating: UInt32(index), count: stride / 32)
      for i in 0..<part.n {
        let row = (0..<stride).map { $0 < part.p ? part[i, $0] : 0 }
        words += Self.words(row, as: format)
      }
    }
    self.records = records
    blockCount = owners.count
    data = try Guarded(runtime, words)
    let table = try runtime.buffer(byteCount: records.count * 32)
    try records.withUnsafeBytes { bytes in
      try runtime.write(table, from: bytes, on: runtime.compute).wait()
    }
    partTable = table
    self.owners = try Guarded(runtime, owners)
    shifts = try Guarded(runtime, count: blockCount * 32)
    ranges = try Guarded(runtime, count: blockCount)
    self.flags = try Guarded(runtime, count: blockCount)
    moments = try Guarded(runtime, count: blockCount * 2)
    scales = try Guarded(runtime, count: parts.count)
    layers = try runtime.buffer(byteCount: parts.count * 32)
  }

  /// Numbers as they are stored, two of 16 bits in a word.
  private static func words(_ numbers: [Double], as format: ScalarFormat) -> [UInt32] {
    func pairs(_ bits: (Float) -> UInt16) -> [UInt32] {
      stride(from: 0, to: numbers.count, by: 2).map {
        UInt32(bits(Float(numbers[$0]))) | UInt32(bits(Float(numbers[$0 + 1]))) << 16
      }
    }
    switch format {
    case .float32: return numbers.map { Float($0).bitPattern }
    case .float16: return pairs { Float16($0).bitPattern }
    case .bfloat16: return pairs { UInt16($0.bitPattern >> 16) }
    }
  }

  func measure() throws {
    try runtime.launch(
      runtime.kernel("feature_statistics", of: runtime.tuning.features),
      global: [blockCount * 32, Tuning.rowLanes], local: [32, Tuning.rowLanes],
      [
        .buffer(data.buffer), .buffer(partTable), .buffer(owners.buffer), .uint(n),
        .buffer(shifts.buffer), .buffer(ranges.buffer), .buffer(flags.buffer),
        .buffer(moments.buffer),
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

  /// Σ mean² and Σ variance of each block, with offsets that a sum of squares would drown in.
  @Test(arguments: [0.0, 300]) func moments(offset: Double) throws {
    let n = Fixture.isSimulated ? 9 : 70
    let parts = [3, 70].map { Activations64.normal(n: n, p: $0, seed: 5, offset: offset) }
    let group = try GroupOnDevice(Fixture.runtime(), parts)
    try group.measure()
    let moments = try group.moments.read()
    for (part, record) in zip(parts, group.records) {
      for block in 0..<(Int(record.stride) / 32) {
        var squares = 0.0
        var variances = 0.0
        for k in (block * 32)..<min(block * 32 + 32, part.p) {
          let column = (0..<n).map { part[$0, k] }
          let mean = column.reduce(0, +) / Double(n)
          squares += mean * mean
          variances += column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n)
        }
        let index = (Int(record.firstBlock) + block) * 2
        // A mean is off by 8(n + 8)u at numbers up to 8, in proportion more with an offset; a
        // variance of about 1 by that times its distance from the first example, at most 8, twice.
        let shift = Double(n + 8) * 0x1p-24 * (8 + offset)
        #expect(abs(Double(moments[index]) - squares) < 32 * 2 * shift * (8 + offset))
        #expect(abs(Double(moments[index + 1]) - variances) < 32 * 2 * 8 * shift)
      }
    }
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
        .buffer(second.flags.buffer), .buffer(second.moments.buffer),
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
