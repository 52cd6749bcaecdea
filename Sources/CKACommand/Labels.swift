import Activations
import CKA
import CommandSupport

/// The class of every example of a model: a `.npy` file of whole numbers from 0, n or n × 1.
///
/// - Parameters:
///   - count: how many examples the model has.
///   - model: its path, for messages.
func readLabels(_ path: String, count: Int, of model: String) throws -> [Int] {
  let file = try openModel(path)
  guard file.layers.count == 1 else {
    throw Failure(
      .data, "\(oneLine(path)): found \(file.layers.count) arrays, expected one of labels")
  }
  let labels: [Int32]
  do throws(PredictionError) {
    labels = try classLabels(file.layers[0])
  } catch {
    throw Failure(.data, "\(oneLine(path)): \(oneLine(error.description))")
  }
  guard labels.count == count else {
    throw Failure(
      .data,
      "\(oneLine(path)): found \(labels.count) labels, expected \(count): one for each example of "
        + oneLine(model))
  }
  return labels.map(Int.init)
}
