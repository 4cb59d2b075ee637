"""Accuracy, measured: detectors against labelled pictures, cases against labelled videos."""
