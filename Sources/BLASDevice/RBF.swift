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
  func applyRBF(_ rule: GramKernel.Bandwidth, to gram: GramMatrix) -> RBF {
    let n = gram.exampleCount
    let diagonal = (0..<n).map { gram.start[$0 * (gram.stride + 1)] }
    let trace = diagonal.reduce(0.0) { $0 + Double($1) }
    gram.forEachRun { _, rows in
      multiplier.table.pointee.squared_distances(
        gram.start, rows.lowerBound, rows.upperBound, gram.stride, diagonal)
    }
    let square: Double
    switch rule {
    case .medianMultiple(let multiple):
      square = multiple * multiple * medianOfSquaredDistances(in: gram)
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
          gram.start, rows.lowerBound, rows.upperBound, gram.stride, factor, lessOne)
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
    let first = lower.map { orderStatistic($0, in: gram) } ?? 0
    if upper == lower { return first }
    return (first + (upper.map { orderStatistic($0, in: gram) } ?? 0)) / 2
  }

  /// The number at `rank` (from 0) among the entries below the diagonal, which are not negative:
  /// exact, by radix selection on their bits.
  func orderStatistic(_ rank: Int, in gram: GramMatrix) -> Double {
    var rank = UInt64(rank)
    var prefix: UInt32 = 0
    var known = 0
    while known < 32 {
      let bits = min(32 - known, Int(CKA_SELECT_BITS))
      let counts = Mutex([UInt64](repeating: 0, count: 1 << bits))
      gram.forEachRun { [known, prefix] _, rows in
        var own = [UInt64](repeating: 0, count: 1 << bits)
        cka_histogram(
          gram.start, rows.lowerBound, rows.upperBound, gram.stride, Int32(known), prefix, &own)
        counts.withLock { counts in
          for index in own.indices { counts[index] += own[index] }
        }
      }
      var digit = 0
      for count in counts.withLock({ $0 }).dropLast() {
        guard rank >= count else { break }
        rank -= count
        digit += 1
      }
      prefix = prefix << UInt32(bits) | UInt32(digit)
      known += bits
    }
    return Double(Float(bitPattern: prefix))
  }
}
