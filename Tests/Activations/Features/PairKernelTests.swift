import Activations
import CPUKernels
import TestSupport
import Testing

@testable import Features

/// Only processors with AVX512-BF16 have what is tested here; others never call it.
@Suite(.enabled(if: cka_has_pairs(), "this processor has no AVX512-BF16"))
struct PairKernelTests {
  /// n × p numbers as bfloat16.
  private struct Numbers {
    let n: Int
    let p: Int
    let bits: [UInt16]

    init(n: Int, p: Int, bits: [UInt16]) { (self.n, self.p, self.bits) = (n, p, bits) }

    init(n: Int, p: Int, seed: UInt64, mean: Double = 0) {
      let normal = Activations64.normal(n: n, p: p, seed: seed)
      self.init(n: n, p: p, bits: normal.values.map { UInt16(Float($0 + mean).bitPattern >> 16) })
    }

    subscript(i: Int, k: Int) -> Double {
      Double(Float(bitPattern: UInt32(bits[i * p + k]) << 16))
    }

    var layer: LayerActivations {
      LayerActivations(
        name: "x", values: bits, scalarType: .bfloat16, exampleCount: n, featureAxes: [p])
    }

    /// Room for panels of all features, with something in it.
    var room: [UInt32] {
      Array(repeating: 0xDEAD_BEEF, count: (n + 31) / 32 * 32 * ((p + 1) / 2))
    }

    /// Panels, made by the reader; nil where it leaves the features to another kernel.
    func panels(
      _ range: Range<Int>? = nil, offsetLimit: Double = 1
    ) throws -> (panels: [UInt32], statistics: SlabStatistics)? {
      var reader = FeatureReader(layer: layer, examples: Array(0..<n))
      var panels = room
      let found = try reader.packPairs(range ?? 0..<p, into: &panels, offsetLimit: offsetLimit)
      return found.map { (panels, $0) }
    }
  }

  @Test(arguments: [(1, 1), (2, 2), (31, 31), (33, 45), (70, 32), (100, 257)])
  func multiplies(shape: (Int, Int)) throws {
    let (n, count) = shape
    let x = Numbers(n: n, p: count, seed: 5)
    let y = Numbers(n: n / 2 + 1, p: count, seed: 6)
    // One number has no spread: its mean is all of it.
    let (left, right) = (
      try #require(try x.panels(offsetLimit: .infinity)).panels,
      try #require(try y.panels(offsetLimit: .infinity)).panels
    )
    let stride = (n + 31) / 32 * 32 + 3
    for isLower in [true, false] {
      var c = [Float](repeating: 1, count: stride * stride)
      let other = isLower ? x : y
      cka_multiply_pairs(
        left, n, isLower ? left : right, other.n, (count + 1) / 2, isLower, &c, stride)
      expectProducts(
        in: c, stride: stride, isLower: isLower, n: n, columns: other.n, count: count,
        { x[$0, $1] }, { other[$0, $1] })
    }
  }

  /// The same rows give the same bits in every place, on the diagonal and off it.
  @Test func aProductDoesNotDependOnItsPlace() throws {
    let row = Numbers(n: 1, p: 200, seed: 8).bits
    let n = 69
    let x = Numbers(n: n, p: 200, bits: (0..<n).flatMap { _ in row })
    var panels = x.room
    withRows(x.bits, n: n) { _ = cka_pack_pairs($0, n, 0, 200, &panels) }
    let stride = 96
    var (lower, all) = (
      [Float](repeating: 0, count: stride * stride), [Float](repeating: 0, count: stride * stride)
    )
    cka_multiply_pairs(panels, n, panels, n, 100, true, &lower, stride)
    cka_multiply_pairs(panels, n, panels, n, 100, false, &all, stride)
    expectEqualProducts(lower: lower, all: all, n: n, stride: stride)
  }

  @Test func packsPartsOfRows() throws {
    let x = Numbers(n: 37, p: 61, seed: 9)
    for range in [0..<1, 0..<61, 3..<20, 7..<48] {
      let found = try #require(try x.panels(range)).panels
      let pairs = (range.count + 1) / 2
      for place in 0..<((x.n + 31) / 32 * 32 * pairs) {
        let (row, pair) = (place / (32 * pairs) * 32 + place % 32, place / 32 % pairs)
        func bits(_ k: Int) -> UInt32 {
          row < x.n && k < range.count ? UInt32(x.bits[row * x.p + range.lowerBound + k]) : 0
        }
        #expect(found[place] == bits(2 * pair) | bits(2 * pair + 1) << 16)
      }
    }
  }

  @Test func tellsWhatVaries() throws {
    let found = try #require(try Numbers(n: 40, p: 50, seed: 1).panels())
    #expect(found.statistics == SlabStatistics(exponent: 0, isFinite: true, isConstant: false))
    // A constant has no spread, and does not vary; neither does a zero of either sign.
    for bits in [[0x3F80, 0x3F80], [0, 0x8000], [0x8000, 0x8000]] as [[UInt16]] {
      let x = Numbers(n: 40, p: 50, bits: (0..<2000).map { bits[$0 % 7 / 6] })
      let constant = try #require(try x.panels(offsetLimit: .infinity)).statistics
      #expect(constant == SlabStatistics(exponent: 0, isFinite: true, isConstant: true))
    }
    // The last number alone differs.
    for place in [0, 1, 1998, 1999] {
      var bits = [UInt16](repeating: 0x3F80, count: 2000)
      bits[place] = 0x3F81
      let x = Numbers(n: 40, p: 50, bits: bits)
      #expect(try x.panels(offsetLimit: .infinity)?.statistics.isConstant == false)
    }
  }

  @Test func leavesOthersAlone() throws {
    // Means beyond the limit, magnitudes that need a power of two of their own, and what is not finite.
    let normal = Numbers(n: 40, p: 50, seed: 2, mean: 3)
    #expect(try normal.panels(offsetLimit: 1) == nil)
    #expect(try normal.panels(offsetLimit: 20) != nil)
    for place in [0, 51, 1999] {
      // NaN, −∞, 2^40.
      for other in [0x7FC0, 0xFF80, 0x5380] as [UInt16] {
        var bits = normal.bits
        bits[place] = other
        let x = Numbers(n: 40, p: 50, bits: bits)
        #expect(try x.panels(offsetLimit: .infinity) == nil)
      }
    }
    let small = Numbers(n: 40, p: 50, bits: normal.bits.map { $0 - 40 << 7 })
    #expect(try small.panels(offsetLimit: .infinity) == nil)
    var reader = FeatureReader(
      layer: LayerActivations(
        name: "x", values: [Float](repeating: 1, count: 4), scalarType: .float32, exampleCount: 4,
        featureAxes: [1]), examples: [0, 1, 2, 3])
    var panels = normal.room
    #expect(try reader.packPairs(0..<1, into: &panels, offsetLimit: .infinity) == nil)
  }

  @Test func estimatesMeansBesideTheSpread() {
    func offset(_ x: Numbers) -> Double {
      withRows(x.bits, n: x.n) { cka_pair_offset($0, x.n, 0, x.p) }
    }
    // Of 300 features, means and variances are off by their own spread over √(16·300): a tenth is generous.
    #expect(abs(offset(Numbers(n: 100, p: 300, seed: 3, mean: 2)) / 4.3 - 1) < 0.1)
    #expect(offset(Numbers(n: 3, p: 70, bits: Array(repeating: 0, count: 210))) == 0)
    #expect(offset(Numbers(n: 3, p: 70, bits: Array(repeating: 0x3F80, count: 210))) == .infinity)
    #expect(offset(Numbers(n: 3, p: 70, bits: Array(repeating: 0x7FC0, count: 210))) == .infinity)
  }
}
