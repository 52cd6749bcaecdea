import ActivationFiles
import Activations
import Analyses
import Support

/// The class of every example: a `.npy` file of whole numbers from 0, n or n × 1.
///
/// - Throws: `Failure` where the file cannot be read or holds anything else.
public func readLabels(_ path: String) throws -> [Int32] {
  let file = try ModelFiles(path: path)
  guard file.layers.count == 1 else {
    throw Failure(
      .data, "\(oneLine(path)): found \(file.layers.count) arrays, expected one of labels")
  }
  return try reportingPredictions(of: path) { () throws(PredictionError) in
    try classLabels(file.layers[0])
  }
}

/// The class of each of the `count` examples of the model at the path `model`.
///
/// - Throws: as `readLabels(_:)`, and where there is another number of labels.
public func readLabels(_ path: String, count: Int, of model: String) throws -> [Int] {
  let labels = try readLabels(path)
  guard labels.count == count else {
    throw Failure(
      .data,
      "\(oneLine(path)): found \(labels.count) labels, expected \(count): one for each example of "
        + oneLine(model))
  }
  return labels.map(Int.init)
}
