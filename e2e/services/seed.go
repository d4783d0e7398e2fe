package services

import (
	"fmt"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/bff/openapi/billingapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/notificationsapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/ordersapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/usersapi"
)

// How much each tenant has.
const (
	ordersPerTenant      = 40
	invoicesPerTenant    = 9
	notificationsPerUser = 6
)

// order is an order as the service knows it; v1 and v2 show it differently.
type order struct {
	id       string
	status   ordersapi.OrderStatus
	placedAt time.Time
	placedBy string
	currency string
	lines    []line
}

type line struct {
	product  product
	quantity int
}

type product struct {
	sku, name  string
	priceMinor int64
}

// tenantData is all that the services know of a tenant; lists are newest first.
type tenantData struct {
	users         map[string]usersapi.User
	orders        []order
	invoices      []billingapi.Invoice
	notifications map[string][]notificationsapi.Notification // by user
}

// dataset is the tenants' data by tenant. An unknown tenant's is the zero value.
type dataset map[string]tenantData

type tenantProfile struct {
	name, currency, locale string
	people                 [5][2]string // given and family names of u1 to u5
}

// newest is when the latest order was placed: the data is the same at every
// start, so it cannot depend on the clock.
func newest() time.Time { return time.Date(2026, time.September, 28, 16, 40, 0, 0, time.UTC) }

func profiles() []tenantProfile {
	return []tenantProfile{
		{"acme", "EUR", "de-DE", [5][2]string{{"Ada", "Keller"}, {"Jonas", "Brandt"}, {"Miriam", "Vogel"}, {"Felix", "Sommer"}, {"Leyla", "Aydin"}}},
		{"globex", "USD", "en-US", [5][2]string{{"Grace", "Whitfield"}, {"Marcus", "Oyelaran"}, {"Priya", "Raman"}, {"Daniel", "Kowalski"}, {"Sofia", "Delgado"}}},
		{"initech", "GBP", "en-GB", [5][2]string{{"Peter", "Lindqvist"}, {"Samira", "Haddad"}, {"Owen", "Bradley"}, {"Niamh", "O'Sullivan"}, {"Tom", "Ashworth"}}},
	}
}

func catalog() []product {
	return []product{
		{"BRG-6204", "Deep groove ball bearing 6204-2RS", 489},
		{"BLT-M8X40", "Hex bolts M8 × 40, zinc, box of 200", 2350},
		{"CNV-0500", "Conveyor belt, 500 mm, per metre", 6490},
		{"DRV-0075", "Frequency inverter 0.75 kW", 21900},
		{"GLV-NIT-L", "Nitrile gloves L, box of 100", 1290},
		{"LBL-10050", "Thermal labels 100 × 50, roll of 1,000", 1875},
		{"MTR-0370", "Three-phase motor 0.37 kW", 15450},
		{"PLC-1214", "Controller, 14 inputs, 10 outputs", 38900},
		{"PMP-CF25", "Circulation pump DN 25", 17250},
		{"SNS-PT100", "Temperature probe PT100, 3 m", 3420},
		{"VLV-BAL-1", "Ball valve 1\", brass", 2180},
		{"WRK-BNCH", "Workbench 1500 × 700, beech", 45900},
	}
}

// seed makes the data of all tenants. Choices come from dice thrown with the
// tenant's place as the seed: varied to look at and the same every time.
func seed() dataset {
	data := make(dataset)
	for i, p := range profiles() {
		d := dice(i + 1)
		data[p.name] = tenantData{
			users:         seedUsers(p),
			orders:        seedOrders(p, &d),
			invoices:      seedInvoices(p, &d),
			notifications: seedNotifications(p),
		}
	}
	return data
}

func seedUsers(p tenantProfile) map[string]usersapi.User {
	users := make(map[string]usersapi.User)
	for i, name := range p.people {
		id := userID(i)
		mailbox := strings.ToLower(strings.ReplaceAll(name[0]+"."+name[1], "'", ""))
		users[id] = usersapi.User{
			ID: id, GivenName: name[0], FamilyName: name[1], Email: mailbox + "@" + p.name + ".example",
			Locale: p.locale, CreatedAt: newest().AddDate(-2, -i, -3*i),
		}
	}
	return users
}

func userID(i int) string { return fmt.Sprintf("u%d", i+1) }

func seedOrders(p tenantProfile, d *dice) []order {
	products := catalog()
	orders := make([]order, 0, ordersPerTenant)
	placed := newest()
	for i := range ordersPerTenant {
		o := order{
			id:       fmt.Sprintf("%s-%d", p.name, 1000+ordersPerTenant-i),
			status:   statusByAge(i, d),
			placedAt: placed,
			placedBy: userID(d.roll(len(p.people))),
			currency: p.currency,
		}
		first := d.roll(len(products))
		for n := range 1 + d.roll(4) {
			o.lines = append(o.lines, line{products[(first+5*n)%len(products)], 1 + d.roll(12)})
		}
		orders = append(orders, o)
		placed = placed.Add(-time.Duration(3+d.roll(20))*time.Hour - time.Duration(d.roll(60))*time.Minute)
	}
	return orders
}

// statusByAge makes young orders open and old ones done, one in ten cancelled.
func statusByAge(age int, d *dice) ordersapi.OrderStatus {
	cancelled := d.roll(10) == 0
	switch {
	case cancelled && age > 2:
		return ordersapi.OrderStatusCancelled
	case age < 2:
		return ordersapi.OrderStatusPending
	case age < 5:
		return ordersapi.OrderStatusPaid
	case age < 10:
		return ordersapi.OrderStatusShipped
	}
	return ordersapi.OrderStatusDelivered
}

// seedInvoices makes an invoice a month: the latest open, the one before
// overdue, the others paid but for one that was void.
func seedInvoices(p tenantProfile, d *dice) []billingapi.Invoice {
	invoices := make([]billingapi.Invoice, 0, invoicesPerTenant)
	first := time.Date(2026, time.September, 1, 0, 0, 0, 0, time.UTC)
	for i := range invoicesPerTenant {
		issued := first.AddDate(0, -i, 0)
		invoice := billingapi.Invoice{
			ID:       fmt.Sprintf("%s-inv-%s", p.name, issued.Format("2006-01")),
			Status:   billingapi.InvoiceStatusPaid,
			Amount:   billingapi.Money{AmountMinor: int64(80_000 + 10*d.roll(39_000)), Currency: p.currency},
			IssuedOn: issued, DueOn: issued.AddDate(0, 0, 30),
		}
		switch i {
		case 0:
			invoice.Status = billingapi.InvoiceStatusOpen
		case 1:
			invoice.Status = billingapi.InvoiceStatusOverdue
		case 4:
			invoice.Status = billingapi.InvoiceStatusVoid
		}
		invoices = append(invoices, invoice)
	}
	return invoices
}

// seedNotifications tells each user of the tenant something of everything; u1
// has read all but one, u5 all but five.
func seedNotifications(p tenantProfile) map[string][]notificationsapi.Notification {
	texts := [notificationsPerUser]struct {
		kind  notificationsapi.NotificationKind
		title string
	}{
		{notificationsapi.NotificationKindOrderShipped, "Order " + p.name + "-1032 is on its way"},
		{notificationsapi.NotificationKindInvoiceIssued, "Your invoice for September is here"},
		{notificationsapi.NotificationKindInvoiceOverdue, "The invoice for August is overdue"},
		{notificationsapi.NotificationKindOrderDelivered, "Order " + p.name + "-1027 was delivered"},
		{notificationsapi.NotificationKindAnnouncement, "Orders can now be tracked by line"},
		{notificationsapi.NotificationKindOrderDelivered, "Order " + p.name + "-1021 was delivered"},
	}
	byUser := make(map[string][]notificationsapi.Notification)
	for i := range p.people {
		for n, text := range texts {
			byUser[userID(i)] = append(byUser[userID(i)], notificationsapi.Notification{
				ID:   fmt.Sprintf("%s-%s-n%d", p.name, userID(i), notificationsPerUser-n),
				Kind: text.kind, Title: text.title, Read: n > i,
				CreatedAt: newest().Add(-time.Duration(11*n+i) * time.Hour),
			})
		}
	}
	return byUser
}

// dice is the state of a splitmix64 generator: unlike math/rand its numbers are
// the same in every release of Go.
type dice uint64

// roll gives a number from 0 to n-1.
func (d *dice) roll(n int) int {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return int((z ^ (z >> 31)) % uint64(n))
}
