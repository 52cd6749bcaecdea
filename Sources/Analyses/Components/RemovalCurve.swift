import CKA
import Device

extension ComponentAnalysis {
  /// For each example the share of the first component that decides whether it is dropped; none where no
  /// layer that decides has one.
  func shares(_ left: [LayerComponents], _ right: [LayerComponents]) -> [Double] {
    let chosen = removal?.layer.map { [left[$0]] } ?? left + right
    let layers = chosen.filter { $0.firstStatus == .ok }
    guard !layers.isEmpty else { return [] }
    return (0..<pairing.count).map { example in
      let sum = layers.reduce(0.0) { sum, layer in
        sum + layer.vectors[0, example] * layer.vectors[0, example]
      }
      return sum / Double(layers.count)
    }
  }

  /// CKA as dominant examples are dropped, a point a fraction; none where that was not asked for, or
  /// nothing says which examples dominate.
  ///
  /// - Parameters:
  ///   - whole: CKA of all examples.
  ///   - map: makes CKA of some examples, given by their places in `pairing`, ascending.
  ///   - mean: makes the mean of such a map.
  func removalCurve(
    shares: [Double], whole: Matrix<Double>,
    map: ([Int]) throws(DeviceError) -> Matrix<Double>,
    mean: ([Int]) throws(DeviceError) -> Double
  ) throws(DeviceError) -> [RemovalPoint] {
    guard let removal, !shares.isEmpty else { return [] }
    let n = pairing.count
    let order = descendingOrder(of: shares)
    func remaining(without dropped: some Sequence<Int>) -> [Int] {
      let dropped = Set(dropped)
      return (0..<n).filter { !dropped.contains($0) }
    }
    var points: [RemovalPoint] = []
    for fraction in removal.fractions {
      let count = droppedCount(fraction)
      let cka = count > 0 ? try map(remaining(without: order.prefix(count))) : whole
      var controls: [Double] = []
      for number in 0..<removal.controls {
        guard count > 0 else {
          controls.append(self.mean(of: whole))
          continue
        }
        let random = MinibatchPlan.permutation(of: n, seed: removal.seed, pass: -2 - number)
        controls.append(try mean(remaining(without: random.prefix(count))))
      }
      points.append(
        RemovalPoint(
          fraction: fraction, dropped: Array(order.prefix(count)), cka: cka,
          mean: self.mean(of: cka), controlMeans: controls))
    }
    return points
  }

  /// How many examples a fraction is; so many stay that the estimator exists.
  func droppedCount(_ fraction: Double) -> Int {
    min(
      Int((fraction * Double(pairing.count)).rounded()),
      pairing.count - estimator.centering.leastExamples)
  }

  /// The mean of what is defined: of one model's map below the diagonal, of two models' everywhere.
  func mean(of map: Matrix<Double>) -> Double {
    var (sum, count) = (0.0, 0)
    for i in 0..<map.rows {
      for j in 0..<(right == nil ? i : map.columns) where !map[i, j].isNaN {
        sum += map[i, j]
        count += 1
      }
    }
    return sum / Double(count)
  }
}
