// What a meter hears of the stages of an analysis, in multiplications and additions.
import CKA

extension ComponentAnalysis {
  /// Of the search in one layer: a usual one multiplies the matrix by sixteen blocks of eight vectors.
  var flopsOfSearch: Double { 256 * Double(pairing.count) * Double(pairing.count) }

  /// Of taking components out of one layer of `n` examples, in float64: as long as so many of a Gram matrix.
  static func flopsOfReduction(_ n: Int) -> Double { 32 * Double(n) * Double(n) }

  /// Of a map of `n` examples whose matrices are in memory.
  func flopsOfMap(_ n: Int) -> Double {
    var work = FullBatchWork(comparison(estimator))
    work.exampleCount = n
    return work.pairFlops(pairs: work.pairsOfGrams(work.left.count, work.right?.count))
      + flopsOfMean(n)
  }

  /// Of a control that is no map: matrices of `n` examples are made, and added up.
  func flopsOfMean(_ n: Int) -> Double { Double(layerCount) * Self.flopsOfReduction(n) }

  /// Of the maps without examples, and of their controls, each of so many examples.
  func removalFlops(ofMap: (Int) -> Double, ofControl: (Int) -> Double) -> Double {
    guard let removal else { return 0 }
    return removal.fractions.reduce(0) { sum, fraction in
      let dropped = droppedCount(fraction)
      guard dropped > 0 else { return sum }
      let n = pairing.count - dropped
      return sum + ofMap(n) + Double(removal.controls) * ofControl(n)
    }
  }

  /// Of some layers' matrices in float64.
  func flopsOfFloat64(_ left: [Int], _ right: [Int]) -> Double {
    let work = FullBatchWork(comparison(estimator))
    let layers = left.map { work.left[$0] } + right.map { (work.right ?? work.left)[$0] }
    return work.gramFlops(features: layers.reduce(0) { $0 + Double($1.featureCount) })
  }
}
