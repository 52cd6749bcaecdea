import CPUKernels
import Device
import Synchronization

/// What a linear Gram matrix became.
struct RBF {
  /// σ in units of the activations.
  var sigma: Double
  /// σ² in units of the stored Gram matrix.
  var storedSquare: Double
  /// The trace of the linear Gram matrix.
  var trace: Double
}

extension BLASDevice {
  /// Turns a linear Gram matrix into RBF's.
  func applyRBF(
    _ rule: GramKernel.Bandwidth, to gram: GramMatrix
  ) throws(DeviceError) -> RBF {
    let n = gram.exampleCount
    let diagonal = (0..<n).map { gram.start[$0 * (gram.stride + 1)] }
    let trace = diagonal.reduce(0.0) { $0 + Double($1) }
    gram.forEachRun { _, rows in
      multiplier.table.pointee.squared_distances(
        gram.row(rows.lowerBound), rows.lowerBound, rows.upperBound, n, gram.stride, diagonal)
    }
    let square: Double
    switch rule {
    case .medianMultiple(let multiple):
      square = multiple * multiple * medianOfSquaredDistances(in: gram)
    case .sampledMedianMultiple(let multiple, let count):
      let sample = GramKernel.Bandwidth.sample(of: n, count: count)
      square =
        multiple * multiple
        * medianOfSquaredDistances(in: try gram.part(sample, pool: memory))
    case .sigma(let sigma):
      square = sigma * sigma * Double(sign: .plus, exponent: -gram.exponent, significand: 1)
    }
    let sigma =
      square.squareRoot() * Double(sign: .plus, exponent: gram.exponent / 2, significand: 1)
    let lessOne = RoundingModel.storesLessOne(
      trace: trace, exampleCount: n, sigmaSquared: square)
    if square > 0 {
      let factor = Float(min(1 / (2 * square), Double(Float.greatestFiniteMagnitude)))
      gram.forEachRun { _, rows in
        multiplier.table.pointee.exponentiate(
          gram.row(rows.lowerBound), rows.lowerBound, rows.upperBound, n, gram.stride, factor,
          lessOne)
      }
    }
    return RBF(sigma: sigma, storedSquare: square, trace: trace)
  }

  /// The median of all n² squared distances: n zeros, and each pair twice.
  private func medianOfSquaredDistances(in gram: GramMatrix) -> Double {
    let n = gram.exampleCount
    // The place among the pairs of the number at `rank` of all; nil for one of the zeros.
    func place(_ rank: Int) -> Int? { rank < n ? nil : (rank - n) / 2 }
    let (lower, upper) = (place((n * n - 1) / 2), place(n * n / 2))
    guard let upper else { return 0 }
    let found = orderStatistics(lower ?? upper, in: gram)
    switch lower {
    case upper: return found.value
    case nil: return found.value / 2
    default: return (found.value + found.next) / 2
    }
  }

  /// The numbers at `rank` and `rank` + 1 (from 0) of the entries below the diagonal, which are not
  /// negative: exact, by radix selection on the upper and then the lower half of their bits.
  func orderStatistics(_ rank: Int, in gram: GramMatrix) -> (value: Double, next: Double) {
    func value(_ upper: Int, _ lower: Int) -> Double {
      Double(Float(bitPattern: UInt32(upper) << 16 | UInt32(lower)))
    }
    let uppers = counts(in: gram, upper: nil)
    let (upper, rankOfUpper) = bin(of: rank, in: uppers)
    let lowers = counts(in: gram, upper: upper)
    let (lower, rest) = bin(of: rankOfUpper, in: lowers)
    let found = value(upper, lower)
    if rest + 1 < lowers[lower] { return (found, found) }
    if let next = lowers[(lower + 1)...].firstIndex(where: { $0 > 0 }) {
      return (found, value(upper, next))
    }
    guard let next = uppers[(upper + 1)...].firstIndex(where: { $0 > 0 }) else {
      return (found, found)
    }
    let others = counts(in: gram, upper: next)
    return (found, value(next, others.firstIndex { $0 > 0 } ?? 0))
  }

  /// How many entries have which upper 16 bits, or which lower ones behind the given upper.
  private func counts(in gram: GramMatrix, upper: Int?) -> [UInt64] {
    let counts = Mutex([UInt64](repeating: 0, count: 1 << 16))
    gram.forEachRun { _, rows in
      var own = [UInt64](repeating: 0, count: 1 << 16)
      cka_histogram(
        gram.row(rows.lowerBound), rows.lowerBound, rows.upperBound, gram.exampleCount,
        gram.stride, upper == nil, UInt32(upper ?? 0), &own)
      counts.withLock { counts in
        for index in own.indices { counts[index] &+= own[index] }
      }
    }
    return counts.withLock { $0 }
  }
}

/// Where the number at `rank` is, and its rank there.
func bin(of rank: Int, in counts: [UInt64]) -> (bin: Int, rank: Int) {
  var rank = rank
  for (bin, count) in counts.enumerated() {
    if rank < count { return (bin, rank) }
    rank -= Int(count)
  }
  preconditionFailure("a rank past the last number")
}
