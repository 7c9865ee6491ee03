# Documents in the chat: the bill as a file, a QR for banks, charts.

document-bill-button = 📄 Bill (PDF)
document-bill = The bill for { $period } is in the file, in Russian.
document-bill-receipt = Looking for proof of a payment? Payments are in “History”.

document-qr-button = QR for a bank
document-qr = A QR code for *{ $amount }*. Any Russian bank takes it.
document-qr-how = Save the picture and open it in your bank's app: “Pay by QR code” → “From gallery”. Or show it to a payment terminal. The money takes 1–3 working days.
document-no-qr = The billing centre takes no payments by QR code yet. Press “Menu” and choose “Pay”.

document-charts-button = 📊 Charts
document-charts = Charges and use over 13 months, up to { $period }.
document-no-charts = No charts yet: they come after the first bill.

chart-charged = Charged
chart-gap = – no data for the month
chart-whole = Use is counted from meter readings
