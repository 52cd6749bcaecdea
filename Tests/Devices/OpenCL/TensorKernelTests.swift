import Device
import Foundation
import TestSupport
import Testing

@testable import OpenCLDevice

/// tensor.cl alone, with its two instructions in plain OpenCL C: what is tested is everything around
/// them, fragment layouts included.
struct TensorKernelTests {
  /// MODE of tensor.cl.
  enum Mode: UInt32 { case split, round, rawHalf, rawBfloat }

  /// `TensorPart` of tensor.cl.
  struct TensorPart: BitwiseCopyable, Equatable {
    var before: Float = 0
    var scale: Float = 0
    var after: Float = 0
    var mode: UInt32 = 99
  }

  /// What the kernels made of one part.
  struct Result {
    var part: TensorPart
    var shifts: [Float]
    var scale: Float
    var slices: [Range<Int>]
    /// [tile][slice][TILE²].
    var partials: [Float]
  }

  static func tuning(tile: Int = 64, slice: Int = 2048) -> Tuning {
    var tuning = Fixture.tuning(float64: true)
    tuning.tensors = .emulated
    tuning.gram = TileShape(tile: tile, rows: 8, columns: 8, depth: tile / 8)
    tuning.slice = slice
    return tuning
  }

  private static let untouched: Float = -12345.0625

  /// One launch over all tiles and slices, or over some of them.
  private func products(
    _ x: Activations64, _ format: ScalarFormat, _ floatMode: TensorUse.FloatMode = .split,
    program: TensorUse.Program, tuning: Tuning, firstTile: Int = 0, firstSlice: Int = 0
  ) throws -> Result {
    let description = try Fixture.description()
    let runtime = try Runtime(description, limits: OpenCLLimits(description), tuning: tuning)
    let group = try GroupOnDevice(runtime, [x], format: format)
    try group.measure()
    let tensorParts = try Guarded(
      runtime, count: 1, sentinel: TensorPart(before: 7, scale: 7, after: 7, mode: 7))
    try runtime.launch(
      runtime.kernel("tensor_scales", of: tuning.tensor(program)), global: [Tuning.partLanes],
      local: [Tuning.partLanes],
      [
        .buffer(group.partTable), .buffer(group.scales.buffer), .buffer(group.ranges.buffer),
        .buffer(group.moments.buffer), .uint(Int(floatMode.rawValue)),
        .float(Float(RoundingModel.offsetLimit(exampleCount: x.n))), .buffer(tensorParts.buffer),
      ])

    let width = x.p.roundedUp(to: 32)
    let slices = stride(from: 0, to: width, by: tuning.slice).map {
      $0..<min($0 + tuning.slice, width)
    }
    let table: [UInt32] = slices.flatMap {
      [0, UInt32($0.lowerBound), UInt32($0.upperBound), 0]
    }
    let sliceTable = try Guarded(runtime, table)
    let rows = (x.n + tuning.gram.tile - 1) / tuning.gram.tile
    let tiles = rows * (rows + 1) / 2 - firstTile
    let counted = slices.count - firstSlice
    let partials = try Guarded<Float>(
      runtime, count: tiles * counted * tuning.gram.tile * tuning.gram.tile,
      sentinel: Self.untouched)
    try runtime.launch(
      runtime.kernel("tensor_partials", of: tuning.tensor(program)),
      global: [counted * Tuning.tensorItems, tiles], local: [Tuning.tensorItems, 1],
      [
        .buffer(group.data.buffer), .buffer(group.partTable), .buffer(tensorParts.buffer),
        .buffer(group.shifts.buffer), .buffer(sliceTable.buffer), .uint(firstSlice),
        .uint(firstTile), .uint(x.n), .buffer(partials.buffer),
      ])
    return Result(
      part: try tensorParts.read()[0], shifts: try group.shifts.read(),
      scale: try group.scales.read()[0], slices: Array(slices[firstSlice...]),
      partials: try partials.read())
  }

  /// Every entry of every tile and slice against float64.
  private func check(
    _ x: Activations64, _ format: ScalarFormat, _ mode: Mode, program: TensorUse.Program,
    floatMode: TensorUse.FloatMode = .split, tuning: Tuning, firstTile: Int = 0, firstSlice: Int = 0
  ) throws {
    let result = try products(
      x, format, floatMode, program: program, tuning: tuning, firstTile: firstTile,
      firstSlice: firstSlice)
    #expect(result.part.mode == mode.rawValue)
    let isRaw = mode == .rawHalf || mode == .rawBfloat
    // x − shift with the device's own shift: any is allowed.
    var centered = x
    for i in 0..<x.n {
      for k in 0..<x.p where !isRaw { centered.values[i * x.p + k] -= Double(result.shifts[k]) }
    }
    let unit = Double(result.scale)
    let largest = centered.values.reduce(0) { max($0, abs($1)) }
    // Per product: rounding x − shift to float32 and to high + low is 2⁻²⁴ + 2⁻²³ for each factor, the
    // dropped low·low 2⁻²²: below 2⁻²⁰. Rounded, 2⁻¹¹ for each factor. Raw, nothing.
    let perProduct = mode == .split ? 0x1p-20 : mode == .round ? 0x1.01p-10 : 0
    // What float16 loses of small numbers: 2⁻²⁵ where the largest is 2¹³ or more.
    let floor = isRaw ? 0 : 0x1p-38 * largest
    var position = 0
    var tile = 0
    let tileRows = (x.n + tuning.gram.tile - 1) / tuning.gram.tile
    for tileRow in 0..<tileRows {
      for tileColumn in 0...tileRow {
        defer { tile += 1 }
        guard tile >= firstTile else { continue }
        for slice in result.slices {
          let features = slice.clamped(to: 0..<x.p)
          // Chains of up to 96 additions and one sum of up to 128 chains, cut off on real devices.
          let sums = Double(96 + slice.count / 16) * 0x1p-23
          for i in (tileRow * tuning.gram.tile)..<min((tileRow + 1) * tuning.gram.tile, x.n) {
            for j in (tileColumn * tuning.gram.tile)..<min((tileColumn + 1) * tuning.gram.tile, x.n)
            {
              var truth = 0.0
              var size = 0.0
              var edge = 0.0
              for k in features {
                truth += centered[i, k] * centered[j, k]
                size += abs(centered[i, k] * centered[j, k])
                edge += abs(centered[i, k]) + abs(centered[j, k])
              }
              let entry = (i % tuning.gram.tile) * tuning.gram.tile + j % tuning.gram.tile
              let value = Double(result.partials[position + entry])
              let bound = (size * (perProduct + sums) + edge * floor) * unit * unit
              #expect(
                abs(value - truth * unit * unit) <= bound,
                "n \(x.n), p \(x.p), slice \(slice), entry \(i), \(j): \(value)")
            }
          }
          position += tuning.gram.tile * tuning.gram.tile
        }
      }
    }
    #expect(position == result.partials.count)
  }

  private static let sizes =
    Fixture.isSimulated
    ? [(9, 20)] : [(4, 1), (5, 31), (33, 32), (64, 33), (65, 127), (150, 70)]

  @Test(arguments: sizes) func split(n: Int, p: Int) throws {
    let x = Activations64.normal(n: n, p: p, seed: 1, offset: 5)
    try check(x, .float32, .split, program: .split, tuning: Self.tuning())
  }

  @Test(arguments: sizes) func rounded(n: Int, p: Int) throws {
    let x = Activations64.normal(n: n, p: p, seed: 2, offset: 5)
    try check(
      x, .float32, .round, program: .half, floatMode: .round, tuning: Self.tuning())
  }

  /// Stored 16-bit numbers, as they are; and with means that forbid it, as bits split after centering.
  @Test(arguments: sizes) func sixteenBits(n: Int, p: Int) throws {
    let x = Activations64.normal(n: n, p: p, seed: 3)
    let (half, _) = x.stored(as: .float16)
    try check(half, .float16, .rawHalf, program: .half, tuning: Self.tuning())
    let (bfloat, _) = x.stored(as: .bfloat16)
    try check(bfloat, .bfloat16, .rawBfloat, program: .bfloat, tuning: Self.tuning())
    let far = Activations64.normal(n: n, p: p, seed: 4, offset: 3000)
    try check(
      far.stored(as: .float16).0, .float16, .split, program: .split, tuning: Self.tuning())
    guard !Fixture.isSimulated else { return }
    try check(
      far.stored(as: .bfloat16).0, .bfloat16, .split, program: .split, tuning: Self.tuning())
  }

  /// Half of the numbers zero, the rest positive: what a ReLU leaves. Its means are no obstacle.
  @Test(.enabled(if: !Fixture.isSimulated)) func rectified() throws {
    let (n, p) = (70, 300)
    var x = Activations64.normal(n: n, p: p, seed: 5)
    for index in x.values.indices { x.values[index] = max(x.values[index], 0) }
    try check(x, .float32, .split, program: .split, tuning: Self.tuning(slice: 128))
    try check(
      x.stored(as: .float16).0, .float16, .rawHalf, program: .half,
      tuning: Self.tuning(slice: 128))
  }

  @Test func largeTilesSlicesAndOffsets() throws {
    // Simulators have less local memory than a tile of 128 rows takes.
    let (n, p, tile) = Fixture.isSimulated ? (67, 70, 64) : (260, 200, 128)
    let x = Activations64.normal(n: n, p: p, seed: 6, offset: -2)
    try check(
      x, .float32, .split, program: .split, tuning: Self.tuning(tile: tile, slice: 64),
      firstTile: 1, firstSlice: 1)
    guard !Fixture.isSimulated else { return }
    try check(
      x, .float32, .round, program: .half, floatMode: .round,
      tuning: Self.tuning(tile: tile, slice: 64), firstTile: 2, firstSlice: 1)
  }

  /// From the smallest numbers of float32 to its largest, and both in one part.
  @Test(
    .enabled(if: !Fixture.isSimulated),
    arguments: [1e-44, 1e-37, 1e-30, 1e-7, 70000, 1e18, 1e36, 3e37])
  func scales(scale: Double) throws {
    let n = 20
    let x = Activations64.normal(n: n, p: 40, seed: 7, scale: scale)
    try check(x, .float32, .split, program: .split, tuning: Self.tuning())
    // A constant of any size beside them disturbs nobody.
    var constant = x
    for i in 0..<n { constant.values[i * 40 + 5] = Double(Float(1e30)) }
    try check(constant, .float32, .split, program: .split, tuning: Self.tuning())
    var wide = x
    for i in 0..<n { wide.values[i * 40 + 3] *= 0x1p-20 }
    wide.values = wide.values.map { Double(Float($0)) }
    try check(wide, .float32, .split, program: .split, tuning: Self.tuning())
  }

  /// A program writes no slot of a part that another one makes.
  @Test func othersAreLeftAlone() throws {
    let x = Activations64.normal(n: 20, p: 40, seed: 8)
    for program in TensorUse.Program.allCases where program != .split {
      let result = try products(x, .float32, program: program, tuning: Self.tuning())
      #expect(result.partials.allSatisfy { $0 == Self.untouched })
    }
    for program in TensorUse.Program.allCases where program != .half {
      let half = x.stored(as: .float16).0
      let result = try products(half, .float16, program: program, tuning: Self.tuning())
      #expect(result.partials.allSatisfy { $0 == Self.untouched })
    }
  }
}
