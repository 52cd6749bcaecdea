import Support

/// Where the files of a result are: of a store, in `results`.
package func resultFolder(_ folder: String) throws(Failure) -> String {
  let results = "\(folder)/results"
  return try isThere("\(results)/\(SweepDocument.name)") ? results : folder
}
