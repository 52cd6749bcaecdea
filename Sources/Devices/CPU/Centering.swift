import Activations
import CPUKernels
import Device
import Glibc
import Synchronization

extension BLASDevice {
  /// Centers `gram`, which the kernel may change first, and writes its packed triangle to `row`.
  func center(
    _ gram: GramMatrix, of layer: LayerActivations, kernel: GramKernel, centering: GramCentering,
    into row: UnsafeMutablePointer<Float>
  ) throws(DeviceError) -> GramSummary {
    let n = gram.exampleCount
    let packedCount = centering.packedCount(exampleCount: n)
    func empty(sigma: Double? = nil) -> GramSummary {
      memset(row, 0, packedCount * MemoryLayout<Float>.size)
      var summary = GramSummary.empty(isFinite: gram.isFinite, isConstant: gram.isConstant)
      if let sigma {
        summary.isFinite = false
        summary.sigma = sigma
      }
      return summary
    }
    guard gram.isFinite, !gram.isConstant else { return empty() }

    var exponent = gram.exponent
    var bandwidth: RBF?
    if case .rbf(let rule) = kernel {
      let rbf = try applyRBF(rule, to: gram)
      guard rbf.sigma > 0, rbf.sigma.isFinite else { return empty(sigma: rbf.sigma) }
      bandwidth = rbf
      exponent = 0
    }

    let hasZeroDiagonal = centering == .unbiased
    let (sums, statistics) = rowSums(of: gram, hasZeroDiagonal: hasZeroDiagonal)
    let norm = statistics.squared_norm.squareRoot()
    guard norm > 0, norm.isFinite else { return empty(sigma: norm == 0 ? nil : .nan) }

    let own = Int(norm.exponent) + 1
    let scale = Double(sign: .plus, exponent: -own, significand: 1)
    let means = centering.rowMeans(sums: sums)
    nonisolated(unsafe) let row = row
    gram.forEachRun { _, rows in
      multiplier.table.pointee.center_packed(
        gram.row(rows.lowerBound), rows.lowerBound, rows.upperBound, n, gram.stride,
        hasZeroDiagonal,
        means, scale, row + centering.packedCount(exampleCount: rows.lowerBound))
    }
    let rounding =
      if let bandwidth {
        RoundingModel.rbf(
          squaredNorm: statistics.squared_norm, trace: bandwidth.trace, exampleCount: n,
          sigmaSquared: bandwidth.storedSquare)
      } else {
        RoundingModel.linear(
          squaredNorm: statistics.squared_norm, trace: statistics.trace,
          featureCount: layer.featureCount)
      }
    return GramSummary(
      exponent: exponent + own, isFinite: true, isConstant: false, roundingNorm: rounding * scale,
      sigma: bandwidth?.sigma)
  }

  /// The row sums of the symmetric matrix, and its statistics, added run by run.
  private func rowSums(of gram: GramMatrix, hasZeroDiagonal: Bool) -> (
    [Double], cka_gram_statistics
  ) {
    let n = gram.exampleCount
    let runCount = gram.rowRuns.count
    let parts = Mutex(
      [(sums: [Double], statistics: cka_gram_statistics)](
        repeating: ([], cka_gram_statistics()), count: runCount))
    gram.forEachRun { run, rows in
      // Nothing is added to rows past the run's last.
      var sums = [Double](repeating: 0, count: rows.upperBound)
      let statistics = multiplier.table.pointee.row_sums(
        gram.row(rows.lowerBound), rows.lowerBound, rows.upperBound, n, gram.stride,
        hasZeroDiagonal,
        &sums)
      parts.withLock { $0[run] = (sums, statistics) }
    }
    var sums = [Double](repeating: 0, count: n)
    var statistics = cka_gram_statistics()
    for part in parts.withLock({ $0 }) {
      for index in part.sums.indices { sums[index] += part.sums[index] }
      statistics.squared_norm += part.statistics.squared_norm
      statistics.trace += part.statistics.trace
    }
    return (sums, statistics)
  }
}
