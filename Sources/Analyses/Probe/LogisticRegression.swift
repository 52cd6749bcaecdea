import Glibc

/// A multinomial logistic regression with a penalty on the squares of its weights.
///
/// With weights W and intercepts b, class k of example z has the probability exp(zᵀwₖ + bₖ)/Σ. What is
/// minimized is, with C = 1/penalty,
///
/// > f(W, b) = C·Σᵢ −log p(yᵢ) + ½‖W‖²,
///
/// scikit-learn's `LogisticRegression(C:)`; intercepts are free. f is convex, in W strongly: a gradient g
/// there leaves f within ½‖g‖² of its minimum.
///
/// Of two classes scikit-learn has one vector w of weights, which makes the odds zᵀw + b, and
/// ½‖w‖² in f. Two vectors, begun at zero, stay −w/2 and w/2 of each other, and have ½‖W‖² = ¼‖w‖²: f is
/// twice what they make with half of C.
struct LogisticRegression {
  let design: ProbeDesign
  /// The class of each training example.
  let labels: [Int]
  let classes: Int
  /// C.
  let weightOfData: Double

  /// C as two vectors of two classes have it, and the factor that f has then.
  private var weight: Double { classes == 2 ? weightOfData / 2 : weightOfData }
  private var factor: Double { classes == 2 ? 2 : 1 }

  /// A fit under way or done.
  struct Fit {
    var coefficients: [Double]
    var intercepts: [Double]
    /// f.
    var objective: Double
    var iterations: Int
    /// Whether the gradient is as small as was asked for.
    var isConverged: Bool
    /// Of the training examples.
    var scores: [Double]
  }

  /// A point or a direction: coefficients, the training scores they give, intercepts. All three are
  /// linear, so that steps cost no product with the design.
  private struct Vector {
    var coefficients: [Double]
    var scores: [Double]
    var intercepts: [Double]

    mutating func add(_ other: Vector, times factor: Double) {
      Self.add(other.coefficients, times: factor, to: &coefficients)
      Self.add(other.scores, times: factor, to: &scores)
      Self.add(other.intercepts, times: factor, to: &intercepts)
    }

    mutating func multiply(by factor: Double) {
      for index in coefficients.indices { coefficients[index] *= factor }
      for index in scores.indices { scores[index] *= factor }
      for index in intercepts.indices { intercepts[index] *= factor }
    }

    private static func add(_ numbers: [Double], times factor: Double, to sums: inout [Double]) {
      for index in sums.indices { sums[index] += factor * numbers[index] }
    }
  }

  /// Minimizes f by L-BFGS (Liu & Nocedal 1989) from zero, with a line search by Newton's method, until
  /// ½‖gradient‖² ≤ `tolerance`·f.
  func fit(tolerance: Double = 1e-9, mostIterations: Int = 1000) -> Fit {
    var point = Vector(
      coefficients: [Double](repeating: 0, count: design.width * classes),
      scores: [Double](repeating: 0, count: labels.count * classes),
      intercepts: [Double](repeating: 0, count: classes))
    var (objective, gradient) = evaluate(point)
    var history: [(step: Vector, change: Vector, curvature: Double)] = []
    var iterations = 0
    func isFlat() -> Bool { product(gradient, gradient) / 2 <= tolerance * objective }
    while !isFlat(), iterations < mostIterations {
      var direction = self.direction(gradient, history)
      var slope = product(gradient, direction)
      if !(slope < 0) {
        // Rounding has spoiled the history.
        history = []
        direction = gradient
        direction.multiply(by: -1)
        slope = product(gradient, direction)
      }
      let length = self.length(from: point, along: direction)
      guard length > 0 else { break }
      var step = direction
      step.multiply(by: length)
      point.add(step, times: 1)
      let old = gradient
      (objective, gradient) = evaluate(point)
      iterations += 1
      var change = gradient
      change.add(old, times: -1)
      let curvature = product(step, change)
      if curvature > 0 {
        if history.count == Self.memory { history.removeFirst() }
        history.append((step, change, curvature))
      }
    }
    return Fit(
      coefficients: point.coefficients, intercepts: point.intercepts, objective: factor * objective,
      iterations: iterations, isConverged: isFlat(), scores: shifted(point))
  }

  /// How many steps the curvature is estimated from. The line search is exact: of the layers of 2,048 examples that
  /// were tried, 20 steps took a third more iterations than 8, and 5 took as many.
  static let memory = 8

  /// Scores with their intercepts, examples × classes.
  private func shifted(_ point: Vector) -> [Double] {
    var scores = point.scores
    for index in scores.indices { scores[index] += point.intercepts[index % classes] }
    return scores
  }

  private func product(_ a: Vector, _ b: Vector) -> Double {
    let other = design.isGram ? b.scores : b.coefficients
    var sum = 0.0
    for index in other.indices { sum += a.coefficients[index] * other[index] }
    for index in a.intercepts.indices { sum += a.intercepts[index] * b.intercepts[index] }
    return sum
  }

  /// f and its gradient.
  private func evaluate(_ point: Vector) -> (Double, Vector) {
    var residuals = shifted(point)
    var loss = 0.0
    var intercepts = [Double](repeating: 0, count: classes)
    for (example, label) in labels.enumerated() {
      let row = example * classes
      let (log, own) = (softmax(&residuals, at: row), residuals[row + label])
      // The score of the own class less the logarithm of the sum: not lost where p rounds to 1.
      loss += log - (point.scores[row + label] + point.intercepts[label])
      residuals[row + label] = own - 1
      for k in 0..<classes {
        residuals[row + k] *= weight
        intercepts[k] += residuals[row + k]
      }
    }
    var gradient = Vector(
      coefficients: design.pullBack(residuals, classes: classes), scores: [],
      intercepts: intercepts)
    for index in gradient.coefficients.indices {
      gradient.coefficients[index] += point.coefficients[index]
    }
    gradient.scores = design.trainScores(gradient.coefficients, classes: classes)
    let weights = Vector(
      coefficients: point.coefficients, scores: point.scores,
      intercepts: Array(repeating: 0, count: classes))
    return (weight * loss + product(weights, weights) / 2, gradient)
  }

  /// Replaces the scores of one example by probabilities; returns log Σ exp(score).
  private func softmax(_ scores: inout [Double], at row: Int) -> Double {
    var largest = scores[row]
    for k in 1..<classes { largest = max(largest, scores[row + k]) }
    var sum = 0.0
    for k in 0..<classes {
      let value = exp(scores[row + k] - largest)
      scores[row + k] = value
      sum += value
    }
    for k in 0..<classes { scores[row + k] /= sum }
    return largest + log(sum)
  }

  /// −H·gradient with the curvature H⁻¹ that the history tells (the two-loop recursion).
  private func direction(
    _ gradient: Vector, _ history: [(step: Vector, change: Vector, curvature: Double)]
  ) -> Vector {
    var direction = gradient
    var factors = [Double](repeating: 0, count: history.count)
    for (index, entry) in history.enumerated().reversed() {
      factors[index] = product(entry.step, direction) / entry.curvature
      direction.add(entry.change, times: -factors[index])
    }
    if let last = history.last {
      direction.multiply(by: last.curvature / product(last.change, last.change))
    }
    for (index, entry) in history.enumerated() {
      let factor = product(entry.change, direction) / entry.curvature
      direction.add(entry.step, times: factors[index] - factor)
    }
    direction.multiply(by: -1)
    return direction
  }

  /// The t ≥ 0 where f falls no further along a line: Newton's method on the convex function of t, kept
  /// inside the interval where the slope changes its sign.
  private func length(from point: Vector, along direction: Vector) -> Double {
    let (scores, changes) = (shifted(point), shifted(direction))
    func bare(_ vector: Vector) -> Vector {
      var vector = vector
      vector.intercepts = vector.intercepts.map { _ in 0 }
      return vector
    }
    let (own, line) = (bare(point), bare(direction))
    let (mixed, square) = (product(own, line), product(line, line))
    func derivatives(_ t: Double) -> (slope: Double, curvature: Double) {
      var (slope, curvature) = (mixed + t * square, square)
      var row = [Double](repeating: 0, count: classes)
      for (example, label) in labels.enumerated() {
        let start = example * classes
        for k in 0..<classes { row[k] = scores[start + k] + t * changes[start + k] }
        _ = softmax(&row, at: 0)
        var (mean, second) = (0.0, 0.0)
        for k in 0..<classes {
          let change = changes[start + k]
          mean += row[k] * change
          second += row[k] * change * change
        }
        slope += weight * (mean - changes[start + label])
        curvature += weight * max(second - mean * mean, 0)
      }
      return (slope, curvature)
    }
    let first = derivatives(0).slope
    guard first < 0 else { return 0 }
    var (low, high) = (0.0, Double.infinity)
    var t = 1.0
    for _ in 0..<50 {
      let (slope, curvature) = derivatives(t)
      if abs(slope) <= 1e-3 * abs(first) { break }
      if slope < 0 { low = t } else { high = t }
      let newton = t - slope / curvature
      if newton > low, newton < high {
        t = newton
      } else {
        t = high.isFinite ? (low + high) / 2 : 2 * t
      }
    }
    return t
  }
}
